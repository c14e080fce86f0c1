package tenancy

import (
	"context"
	"fmt"
	"slices"
)

// OwnHosts are the hosts at which nodes serve something else than a tenant, in the form of NormalizeHost: the platform's own
// API, and all tenants in sub-folders. A tenant that had one as its domain would not be found there.
type OwnHosts []string

// Check returns ErrDomain if one of these domains is an own host, however it is written.
func (h OwnHosts) Check(domains ...string) error {
	for _, d := range domains {
		if name := asKept(d); slices.Contains(h, name) {
			return fmt.Errorf("%w of a casino: %s: nodes serve the platform's API, or casinos in sub-folders, at this host (--platform-host, --subfolder-host)", ErrDomain, name)
		}
	}
	return nil
}

// SetOwnHosts has the directory say, in the log and by a metric, which tenants have a domain at which this node serves
// something else.
func (d *Directory) SetOwnHosts(ctx context.Context, h OwnHosts) {
	d.own.Store(&h)
	d.noteHidden(ctx, nil, d.now.Load())
}

// noteHidden logs the domains that are own hosts and were not before, which may be nil, and sets the metric.
func (d *Directory) noteHidden(ctx context.Context, before, now *snapshot) {
	own := d.own.Load()
	if own == nil || now == nil {
		return
	}
	hidden := 0
	for _, host := range *own {
		t, ok := now.byHost[host]
		if !ok {
			continue
		}
		hidden++
		if before != nil {
			if was, ok := before.byHost[host]; ok && was.ID == t.ID {
				continue
			}
		}
		d.db.Log.WarnContext(ctx, "a casino is not found at its domain: this node serves something else there", "tenant", t.Slug, "domain", host)
	}
	d.hidden.Set(float64(hidden))
}
