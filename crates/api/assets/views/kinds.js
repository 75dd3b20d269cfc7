/** Returns the columns of a table of uses with the year before, and with kinds where known. */
export function kindColumns({ t, at }, rows) {
  const kinds = [
    { title: t("web-plain"), type: "number", value: (row) => row.plain },
    { title: t("web-payments"), type: "number", value: (row) => row.payment },
    { title: t("web-bookings"), type: "number", value: (row) => row.booking },
  ];
  return [
    { type: "bar", value: (row) => row.now },
    ...kinds.filter(({ value }) => rows.some((row) => value(row) !== undefined)),
    { title: t("web-total"), type: "number", value: (row) => row.now },
    { title: t("web-before", { year: String(at.year - 1) }), type: "number", value: (row) => row.before },
    { title: t("web-change"), type: "change", value: (row) => [row.now, row.before] },
  ];
}
