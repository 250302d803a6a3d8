/**
 * A URL as it may be shown in logs, messages and on the status page: without the user, the password and the query, any
 * of which may be a secret. Text that is no URL is shown up to its first "?" or "#", without what stands before an "@".
 */
export function nameUrl(text: string): string {
  if (!URL.canParse(text)) return text.replace(/[?#].*$/s, '').replace(/^([^/]*\/\/)[^/]*@/, '$1');
  const { protocol, host, pathname } = new URL(text);
  return `${protocol}//${host}${pathname}`;
}
