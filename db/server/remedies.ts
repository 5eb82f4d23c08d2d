/** Statements for an operator to run as a superuser; what they need to fill in stands in angle brackets. */
export const remedies = {
  raiseSharedBuffers: "alter system set shared_buffers = '25% of the memory'",
  grantMonitoring: "grant pg_monitor to <the role Holdfast connects as>",
  installStatements: "create extension pg_stat_statements",
};
