// Package jwks knows the keys that tenants publish at a URL, as a JWK Set (RFC 7517), beside those
// that are stored.
//
// # What always holds
//
//   - Keys are answered from memory. They are read when a URL appears, every RefreshEvery, and at
//     most every missEvery when a token names a key that nobody knows.
//   - A set that cannot be read, or has no key that can verify tokens, changes nothing: the keys that
//     were read last stay.
//   - A key that is in the set no more, and every key of a URL that was retired, is a key no more, and
//     whoever listens is told so that it can close what the key let in.
//   - A stored key hides one of the same ID in a set, also when it is retired.
//   - Only public keys for RS256, ES256 and EdDSA count: what else a set has, secrets above all, is
//     left out.
//   - A URL leads to no address but public ones, and by https, unless Options.Allow names the range:
//     it is checked for each connection, after the name was resolved. Redirects are not followed.
//
// # Why
//
// The URL is an operator's, and a node that fetches it stands in a private network: without the last
// rule the operator could make it talk to what is there (OWASP: server-side request forgery).
package jwks
