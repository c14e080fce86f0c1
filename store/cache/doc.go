// Package cache keeps what was computed of tenants for a while.
package cache
