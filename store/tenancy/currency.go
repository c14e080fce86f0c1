package tenancy

import (
	"fmt"
	"strings"

	"github.com/bojanz/currency"
)

// currencyDigits returns how many digits ISO 4217 gives a currency's minor unit. It returns
// ErrTenant for a code that ISO 4217 does not have, or has no more.
func currencyDigits(code string) (int, error) {
	digits, ok := currency.GetDigits(code)
	if ok {
		return int(digits), nil
	}
	hint := ""
	if upper := strings.ToUpper(code); upper != code && currency.IsValid(upper) {
		hint = ": write " + upper
	}
	return 0, fmt.Errorf("%w: %q is no currency of ISO 4217%s", ErrTenant, code, hint)
}
