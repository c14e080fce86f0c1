// Package membus is the bus inside one process: for `pitboss dev`, for a single node,
// and for tests, which may put several nodes on one bus.
//
// # What always holds
//
//   - Nothing that was published is lost while a node runs, and all nodes see the
//     messages of all topics in one order.
//   - A node that does not keep up slows publishers down; it does not lose messages.
//
// # Why
//
// One lock and one queue per node: delivering is only putting pointers into sockets'
// queues, so a node keeps up with any publisher in the same process.
package membus
