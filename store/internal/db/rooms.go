package db

// The statements that make a room, which a person opens or which is made with its tenant.
const (
	// InsertIndex adds an open room to the platform's index. It changes nothing if it is there.
	InsertIndex = `insert into platform.room (tenant, room, state) values ($1, $2, 'open') on conflict do nothing`

	// InsertRoom adds a room to its tenant's rooms.
	InsertRoom = `insert into room (id, game, name, settings) values ($1, $2, $3, $4)`
)
