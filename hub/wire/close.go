package wire

// CloseCode is a WebSocket close code (RFC 6455 §7.4) of this protocol.
type CloseCode struct {
	Code      int    `json:"code"`
	Name      string `json:"name"`
	Reconnect bool   `json:"reconnect"` // whether a client should come back with the same token
	Meaning   string `json:"meaning"`
}

// The close codes. 4000 to 4499 mean come back, 4500 to 4999 do not. A client that
// receives a code that is not in the table goes by those ranges, and reconnects after any
// other code (1006 above all).
var (
	CloseNormal       = CloseCode{1000, "normal", false, "The client said goodbye."}
	CloseUnsupported  = CloseCode{1003, "unsupported_data", false, "Binary frames are not part of the protocol."}
	CloseTooBig       = CloseCode{1009, "frame_too_big", false, "A frame was larger than the limit."}
	CloseDraining     = CloseCode{1012, "draining", true, "This node is going down; another one, or its successor, is there."}
	CloseOverloaded   = CloseCode{1013, "overloaded", true, "A limit of sockets is reached; come back later."}
	CloseSlow         = CloseCode{4000, "slow_consumer", true, "The client did not read fast enough; nothing is lost, resume by seq."}
	CloseIdle         = CloseCode{4001, "idle", true, "Nothing was heard from the client for too long."}
	CloseFlood        = CloseCode{4002, "flooding", true, "The client went on past its rate limit."}
	CloseWentBack     = CloseCode{4003, "database_went_back", true, "The database lost what it had kept last; ask anew where everything is."}
	CloseMaintenance  = CloseCode{4004, "tenant_maintenance", true, "The casino is in maintenance; come back after retry_after_ms."}
	CloseSuperseded   = CloseCode{4500, "superseded", false, "The same player connected elsewhere."}
	CloseTokenExpired = CloseCode{4501, "token_expired", false, "The token ran out; get a new one."}
	CloseRevoked      = CloseCode{4502, "revoked", false, "The token or the player was revoked."}
	CloseSuspended    = CloseCode{4503, "tenant_suspended", false, "The operator is suspended."}
)

// CloseCodes lists all close codes, in order. The TypeScript SDK holds the same table,
// kept equal by a golden file.
var CloseCodes = []CloseCode{
	CloseNormal, CloseUnsupported, CloseTooBig, CloseDraining, CloseOverloaded,
	CloseSlow, CloseIdle, CloseFlood, CloseWentBack, CloseMaintenance,
	CloseSuperseded, CloseTokenExpired, CloseRevoked, CloseSuspended,
}
