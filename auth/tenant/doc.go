// Package tenant names tenants. It is the only place where a tenant becomes a
// database schema, a database role, a topic or a key: everything else carries
// the typed values made here, so a name without a tenant does not compile.
//
// # What always holds
//
//   - Two different IDs never share a schema, a role, a topic or a key.
//   - None of those names needs quoting in SQL, and none is ever cut off by
//     PostgreSQL's limit of 63 bytes.
//   - What is counted for tenants, as labels of metrics or as hits of limits, is
//     bounded, whatever their number.
//   - An ID is never reused and never renamed. What people rename (the slug, the
//     display name, the domains) is data and is not part of any name.
//
// # Why
//
// An ID is random, so a new tenant cannot adopt a schema, role or key that another left, a schema can be made before it is known whose it will be, and the names of schemas, which PostgreSQL
// shows to every role, do not say which casinos there are.
package tenant
