// Package localpg finds PostgreSQL, or fetches it, and runs a private cluster in a
// folder: for "pitboss dev", and for tests that want a whole database server.
//
// # What always holds
//
//   - The cluster listens on loopback only, at a port of its own, and every login has a
//     password that was drawn for this cluster.
//   - It is never run by root, whom PostgreSQL refuses: started by root, it is run by the
//     user postgres, or nobody. That user can write the data and nothing else of ours.
//   - It ends with the program that started it, also if that is killed (Linux: parent
//     death signal). A server that a killed program left behind is stopped before its
//     folder is used again.
//   - One program at a time has a folder (ErrInUse): it holds a lock on it, which the
//     operating system lets go of when the program ends, however it ends.
//   - Data of another major version are left alone (ErrVersion), and so is a folder that
//     this package did not make (ErrNotOurs).
//
// # Why
//
// A server of the machine's own, if there is one, belongs to somebody else. Binaries that
// are installed are preferred to fetched ones, because they are kept up to date by whoever
// installed them. A file with the program's process number was turned down for the lock:
// numbers are used again.
package localpg
