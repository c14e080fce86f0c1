// Package auth turns a token into a Principal. It knows nothing of HTTP.
//
// # What always holds
//
//   - A token is good for exactly one tenant: its key, its audience and its claim
//     "tid" must all be that tenant's. Which tenant that is comes from the caller (the
//     Host of a request), never from the token.
//   - The algorithm is a property of the key, not of the token: a token that names
//     another one, or none, is refused before its signature is looked at.
//   - What a token says is said once and by its exact name; members that nobody knows are
//     ignored (RFC 7519 §4), and none is there twice. A jti is one that can be revoked,
//     and a token of the operator's people has one.
//   - A token that was taken back is refused, until it has expired by itself: no token is
//     good for more than TokenLifeMax.
//   - A ticket is good once, on whatever node, for its tenant and for TicketTTL, and not if its
//     token was taken back since.
//   - A refusal is an *Error with a stable code; the token itself is in no error and in
//     no log line.
//
// # Why
//
// RFC 8725 (JWT best current practice) §3.1 (algorithm verification), §3.9 (audience)
// and §3.10 (no claim is trusted before the checks) are the source of these rules.
package auth
