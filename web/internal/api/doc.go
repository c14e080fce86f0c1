// Package api is what every part of web's HTTP API and sockets shares: the errors table and how an
// error is answered, the tenant and the principal of a request, how a body and a parameter are read,
// and what bounds and counts requests.
//
// # What always holds
//
//   - errors.go is the only place that turns errors into statuses, codes and messages; every code
//     is in docs/protocol.md.
//   - limits.go names every limit of web; each is in docs/operations.md and counted by one metric.
//   - A body is decoded by hub/wire/strict.
//   - It imports no other package of web.
package api
