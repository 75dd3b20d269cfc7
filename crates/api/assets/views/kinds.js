/** Returns the columns of a table of uses with the year before, and with kinds where known. */
export function kindColumns({ t, at }, rows) {
  const kinds = [
    { title: t.plain, type: "number", value: (row) => row.plain },
    { title: t.payments, type: "number", value: (row) => row.payment },
    { title: t.bookings, type: "number", value: (row) => row.booking },
  ];
  return [
    { type: "bar", value: (row) => row.now },
    ...kinds.filter(({ value }) => rows.some((row) => value(row) !== undefined)),
    { title: t.total, type: "number", value: (row) => row.now },
    { title: t.before(at.year - 1), type: "number", value: (row) => row.before },
    { title: t.change, type: "change", value: (row) => [row.now, row.before] },
  ];
}
