package auth

// Error says why a token, a ticket or an API key is refused.
type Error struct {
	Code    string // stable
	Message string
}

// Error implements error.
func (e *Error) Error() string { return "auth: " + e.Message + " (" + e.Code + ")" }

// Why a token, an API key or a ticket is refused.
var (
	ErrMissing      = &Error{"token_missing", "there is no token or API key: send it as Authorization: Bearer"}
	ErrMalformed    = &Error{"token_malformed", "the token is not a JWT with the claims that are needed"}
	ErrAlg          = &Error{"token_alg", "the token's algorithm is not the one of its key"}
	ErrKid          = &Error{"token_kid", "the token's key is not one of this operator's"}
	ErrSignature    = &Error{"token_signature", "the token's signature is wrong"}
	ErrExpired      = &Error{"token_expired", "the token has expired"}
	ErrNotYet       = &Error{"token_not_yet", "the token is not valid yet"}
	ErrAudience     = &Error{"token_audience", "the token is for another audience"}
	ErrIssuer       = &Error{"token_issuer", "the token names no issuer"}
	ErrTenant       = &Error{"token_tenant", "the token is for another operator"}
	ErrRevoked      = &Error{"token_revoked", "the token was taken back"}
	ErrLife         = &Error{"token_life", "the token is good for more than 30 days, or does not say when it was issued"}
	ErrNoID         = &Error{"token_jti", "a token of the operator's people needs a jti, by which it can be taken back"}
	ErrRole         = &Error{"token_role", "the token's role is unknown"}
	ErrCrit         = &Error{"token_crit", "the token demands that an extension is understood, and none is"}
	ErrKeyMalformed = &Error{"key_malformed", "the API key was mistyped or cut: its checksum is wrong"}
	ErrKeyNeeded    = &Error{"key_malformed", "only an API key of the platform opens this, which begins with pitboss_"}
	ErrKeyUnknown   = &Error{"key_unknown", "the API key is not known here: it is another casino's or the platform's, was made within the last second, or is gone"}
	ErrKeyExpired   = &Error{"key_expired", "the API key has expired, or was replaced"}
	ErrKeyRevoked   = &Error{"key_revoked", "the API key was revoked"}
	ErrKeyAddress   = &Error{"key_address", "the API key may not be used from this address"}
	ErrTicket       = &Error{"ticket_invalid", "the ticket is unknown, used, or too old"}
)
