// Package tenancy keeps what a tenant is: its name, domains, keys, currency, brand and status, and its schema
// and role in the database. Directory is what a node knows of all tenants; Admin is the database as its owner
// sees it, which migrates it and makes and changes tenants; Brands and APIKeys are what a tenant's own people change of it.
//
// # What always holds
//
//   - A request's tenant is found in memory; no request costs SQL for that. A change of a tenant is known
//     to every node within a second.
//   - An API key is verified in memory: a request costs no SQL for it, and when it was used is written later. Nodes
//     can make no key of the platform's, and not change what a key may do, and delete none but those that ended 30 days ago.
//   - A tenant with anything wrong in its row, its keys, its schema or its role is out of order by itself;
//     the others are served.
//   - What a tenant's plan and jurisdiction allow is in the directory too. A table that they do not allow rests: it ends its
//     round and begins none. No limit of a plan stops a bet that was taken, or a payout.
//   - A tenant is made, changed and migrated whole or not at all, each in a transaction of its own, with
//     an audit line.
//   - A tenant is of one version of the steps or of the next: a step, its version in the tenant's _meta, in the directory and in
//     the ledger of the run are written in one transaction. Whoever is killed leaves nothing that another does not resume.
//   - A step that takes something away is applied when all tenants have the version before and no live node is older; a node
//     that is older gets no lease afterwards.
//   - A new tenant has what the steps make of an empty schema, in the template's version.
//   - A tenant's rows are in the tenant's own schema, and only the tenant's own role may touch them. The
//     application's login may act as that role, owns nothing and inherits nothing.
//   - A statement of the application waits for a lock for 3 s and runs for 7 s at most. The login is bound to
//     that, so it holds behind any pooler.
//   - Of a brand, a page is given colours, a number, a name to be escaped, and a raster image that was decoded
//     as far as its header: nothing of it can be code, and no text is harder to read than WCAG 2.2 AA allows.
//   - A tenant's currency stays the same once money was moved in it.
//
// # Why
//
// The directory's version is one counter row that every change of a tenant updates last in its
// transaction. A sequence was turned down: its numbers become visible in another order than the
// transactions that took them, and a poller would miss a change.
//
// A step of a migration waits for a table for a fraction of a second only, and is tried again: those who
// come after it have to wait too. Rights are granted anew only if they are others than before: each grant makes every backend forget
// what it knows of the table.
//
// The lease of a tenant in a run says only whom to wait for. What keeps two workers from one tenant is its advisory lock,
// which ends with its holder, so the lease may be short and need not be renewed during a step.
//
// Drift is found against a schema that is made and undone, and not against the template, which has no grants and could have
// drifted itself.
package tenancy
