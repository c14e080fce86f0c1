// Package platform answers the API of the platform's operator, on the admin listener: which casinos there are, and what
// was done to the platform.
//
// What always holds: its requests pass the same middleware as a casino's, but the host says nothing, and only API keys
// of the platform let anybody in. It changes nothing yet.
package platform
