/** A URL in some text: its scheme, a user and password, the rest up to its query or fragment, and that. */
const urls = /\b(https?:\/\/)(?:[^\s/?#"'<>]*@)?([^\s?#"'<>]*)(?:[?#][^\s"'<>]*)?/gi;

/** Takes user, password, query and fragment off every http and https URL in a text: any of them may hold a secret. */
export function maskUrls(text: string): string {
  return text.replace(urls, '$1$2');
}
