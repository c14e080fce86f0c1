// Package bustest contains the tests that every hub.Bus must pass.
//
// # What always holds
//
//   - A bus that passes delivers, while nothing fails, every message of a subscribed
//     topic to every node once, unaltered and in order.
//
// # Why
//
// A bus may lose messages when something fails. The suite makes nothing fail, so here a
// loss is a fault; the tests of each bus cover what it does when its server dies.
package bustest
