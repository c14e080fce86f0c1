// Package jwks provides the keys that tenants publish at a URL, as a JWK Set (RFC 7517), beside those
// that are stored.
//
// # What always holds
//
//   - Keys are returned from memory. A set is fetched when its URL appears, every RefreshEvery, and at
//     most every missEvery when a token names an unknown key.
//   - A set that cannot be fetched, or has no key that can verify tokens, changes nothing: the keys
//     fetched last stay valid.
//   - A key that is no longer in the set, and every key of a retired URL, is no longer valid, and
//     listeners are notified so that they can close the sockets that it authorised.
//   - A stored key hides one of the same ID in a set, also when it is retired.
//   - Only public keys for RS256, ES256 and EdDSA count: everything else in a set, above all secrets,
//     is ignored.
//   - URLs are fetched from public addresses by https only, unless Options.Allow names the range. This
//     is checked for each connection, after the name was resolved. Redirects are not followed.
//
// # Why
//
// The URL is an operator's, and the node that fetches it is in a private network: without the last
// rule the operator could make it connect to other servers there (OWASP: server-side request forgery).
package jwks
