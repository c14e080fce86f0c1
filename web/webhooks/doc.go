// Package webhooks tells casinos what happens, at the endpoints that they name, by Standard Webhooks
// (https://www.standardwebhooks.com).
//
// # What always holds
//
//   - What store/webhooks has as due is sent at least once, and under the same webhook-id whenever it is sent
//     again. Of one endpoint and player, one delivery is under way at a time, in order.
//   - Nothing is sent for a tenant that is not served (tenancy.Status.Served): it waits until the tenant is served.
//   - Whatever a receiver does, an attempt ends within Timeout.
//   - Success is an answer of 2xx within Timeout. What fails is sent again by the schedule; 410 disables the
//     endpoint; redirects are not followed.
//   - Addresses are public and URLs are https, unless Options.Allow names the range. This is checked for each
//     connection, after the name was resolved: a name that changes its address gains nothing. No proxy is used,
//     which would resolve names itself.
//   - No endpoint keeps another waiting: each has EndpointInFlight of its own. A process has InFlight in
//     all, which four tenants together can use up.
//
// # Why
//
// URLs are operators', and nodes are in a private network: without the rule on addresses an operator could make
// a node send requests to other servers there (OWASP: server-side request forgery).
//
// A tenant's deliveries are made by one goroutine that starts those that are due and records, in one
// transaction, all that have ended: the busier it is, the fewer transactions it needs.
package webhooks
