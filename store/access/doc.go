// Package access keeps what takes access back: the tokens that were revoked, the people who were kicked,
// and the tickets that were used.
//
// What always holds:
//
//   - A token that was taken back is known to every node's memory within a second, and at once after a
//     restart. Its audit line is written in the same transaction.
//   - A ticket is used once, over all nodes. The database's clock alone says until when.
package access
