// Package operator is the API of operators and their staff: rooms, players, promotions, the audit
// log, the ledger, connections, revocations, and how the casino is set up and served, one file per
// resource. The route table, which says
// who may call what, is web's.
//
// # What always holds
//
//   - The tenant is the request's and no parameter names one; a room or a player of another tenant
//     is answered like an unknown one.
//   - Whatever a handler changes is in the audit log by the same transaction, with who did it, from
//     which address and why.
//   - What moves money or talks to a room has a command_id: sent again, it is done once.
//   - Nodes are asked about one tenant, and say nothing of any other.
//   - It knows nothing of the session's conversation; web passes in what it needs of that.
package operator
