/**
 * A header's name as the most lenient upstream reads it: CGI, WSGI and Rack turn `-` into `_`, and some servers every
 * other separator too, so that `X-Verified-Subject` and `x_verified.subject` are one variable there.
 */
export function normalizeName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '_');
}
