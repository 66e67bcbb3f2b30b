/**
 * What a statement does, and to which table, such as `UPDATE customer`: for names that may be seen where its values may not.
 * MikroORM writes values into its SQL, so nothing after the first quote of a text is looked at.
 */
export function statementSummary(sql: string): string {
  const [beforeTexts = ''] = sql.split(/['$]/, 1);
  const operation = /^\s*([a-z]+)/i.exec(beforeTexts)?.[1]?.toUpperCase() ?? 'SQL';
  const table = /\b(?:from|into|update)\s+"?([a-z_]+)/i.exec(beforeTexts)?.[1];
  return table === undefined ? operation : `${operation} ${table}`;
}
