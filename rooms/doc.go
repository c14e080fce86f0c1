// Package rooms runs games. A room is one goroutine that owns one game.
package rooms
