// Package hub holds the sockets of this node and what they listen to. It knows
// tenants, players and topics, and nothing of rooms or games.
package hub
