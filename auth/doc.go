// Package auth verifies tokens and API keys and returns their Principals. It knows nothing of HTTP.
//
// # What always holds
//
//   - A token is valid for exactly one tenant: its key, its audience and its claim
//     "tid" must all be that tenant's. Which tenant that is comes from the caller (the
//     Host of a request), never from the token.
//   - The algorithm is a property of the key, not of the token: a token that names
//     another one, or none, is refused before its signature is verified.
//   - Claims are matched by their exact names, and none may occur twice; unknown ones are
//     ignored (RFC 7519 §4). A jti must be one that can be revoked, and a token of the operator's
//     staff must have one.
//   - A revoked token is refused until it has expired: no token is valid for more than
//     TokenLifeMax.
//   - A ticket is valid once, on any node, for its tenant and for TicketTTL, unless its token has
//     been revoked since.
//   - An API key is valid for one tenant, or for the platform alone, until it ends or is revoked. Its secret is
//     known to its holder only: it is stored as a hash, and no format shows it.
//   - A refusal is an *Error with a stable code; the token or key itself is in no error and in
//     no log line.
//
// # Why
//
// RFC 8725 (JWT best current practice) §3.1 (algorithm verification), §3.9 (audience)
// and §3.10 (no claim is trusted before the checks) are the source of these rules.
package auth
