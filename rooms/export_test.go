package rooms

// Remembered is of how many players a room of this node knows what is left of their limits.
func (d *Directory) Remembered(ref Ref) int {
	r := d.find(ref)
	r.quotas.mu.Lock()
	defer r.quotas.mu.Unlock()
	return len(r.quotas.players)
}
