/** Returns the columns of a table of uses with the year before, and with kinds where known. */
export function kindColumns({ t, at }, rows) {
  const kinds = [
    { title: t("web-plain"), type: "number", value: (row) => row.plain, term: "kinds", order: "of_which_plain" },
    { title: t("web-payments"), type: "number", value: (row) => row.payment, order: "of_which_payments" },
    { title: t("web-bookings"), type: "number", value: (row) => row.booking, order: "of_which_bookings" },
  ];
  return [
    { type: "bar", value: (row) => row.now },
    { title: t("web-total"), type: "number", value: (row) => row.now, term: "use", order: "service_uses" },
    ...kinds.filter(({ value }) => rows.some((row) => value(row) !== undefined)),
    { title: t("web-before", { year: String(at.year - 1) }), type: "number", value: (row) => row.before, order: "before" },
    { title: t("web-change"), type: "change", value: (row) => [row.now, row.before], term: "change", order: "change_percent" },
  ];
}

/** Returns the column of the difference between a count and the one before. */
export function differenceColumn({ t, f }) {
  return {
    title: t("web-difference"), type: "share", order: "difference",
    value: ({ now, before }) => (now === null || before === null ? null : f.difference(now, before)),
    plain: ({ now, before }) => (now === null || before === null ? undefined : now - before),
  };
}
