/**
 * The operation of a statement and its table, such as `UPDATE customer`, for span names that must not contain values.
 * MikroORM writes values into its SQL, so everything after the first quote is ignored.
 */
export function statementSummary(sql: string): string {
  const [beforeTexts = ''] = sql.split(/['$]/, 1);
  const operation = /^\s*([a-z]+)/i.exec(beforeTexts)?.[1]?.toUpperCase() ?? 'SQL';
  const table = /\b(?:from|into|update)\s+"?([a-z_]+)/i.exec(beforeTexts)?.[1];
  return table === undefined ? operation : `${operation} ${table}`;
}
