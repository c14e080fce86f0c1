package store

// A room is made by whoever opens one, and with its tenant.
const (
	// insertIndex adds an open room to the platform's index. It changes nothing if it is there.
	insertIndex = `insert into platform.room (tenant, room, state) values ($1, $2, 'open') on conflict do nothing`

	// insertRoom adds a room to its tenant's rooms.
	insertRoom = `insert into room (id, game, name, settings) values ($1, $2, $3, $4)`
)
