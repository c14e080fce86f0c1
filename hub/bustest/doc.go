// Package bustest says, in tests, what a hub.Bus is.
//
// # What always holds
//
//   - A bus that passes delivers, while nothing fails, every message of a subscribed
//     topic to every node once, unaltered and in order.
//
// # Why
//
// A bus may lose messages when something fails. The suite makes nothing fail, so here a
// loss is a fault; what a bus does when its server dies is for its own tests.
package bustest
