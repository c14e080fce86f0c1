// Package access stores what revokes access: the tokens that were revoked, the people who were kicked, and
// the tickets that were used.
//
// What always holds:
//
//   - A revoked token is known to every node's memory within a second, and at once after a
//     restart. Its audit line is written in the same transaction.
//   - A ticket is used once, over all nodes. Its end is decided by the database's clock alone.
package access
