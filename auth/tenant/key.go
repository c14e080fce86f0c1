package tenant

import "fmt"

// Key names a value of a tenant in a cache. It is comparable; only ID.Key makes one, so a key of nobody does
// not exist.
type Key struct {
	tenant     ID
	kind, name string
}

// Key returns the key of a value of the tenant. kind says what sort of thing name is, so that two sorts stay
// apart; it is a constant of the program, of letters and digits. It panics on the zero ID.
func (id ID) Key(kind, name string) Key { return Key{ID{id.must()}, kind, name} }

// Tenant returns the tenant of the key.
func (k Key) Tenant() ID { return k.tenant }

// Kind returns the kind that was passed to ID.Key.
func (k Key) Kind() string { return k.kind }

// String returns tenant:kind:name. Neither a tenant nor a kind contains a colon, so no two keys share a string.
func (k Key) String() string { return k.tenant.name + ":" + k.kind + ":" + k.name }

// Redis returns a name for a value of the key in Redis: prefix:{tenant}:e<epoch>:kind:digest. The braces are a
// hash tag, which keeps a tenant's values in one slot of a Cluster. digest stands for the key's name and whatever
// else tells two values apart.
func (k Key) Redis(prefix string, epoch int64, digest []byte) string {
	return fmt.Sprintf("%s:{%s}:e%d:%s:%x", prefix, k.tenant.must(), epoch, k.kind, digest)
}
