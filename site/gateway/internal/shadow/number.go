package shadow

import (
	"encoding/json"
	"strconv"
	"strings"
)

// equal compares JSON values; numbers by their value, whatever way they are written.
func equal(a, b any) bool {
	switch x := a.(type) {
	case json.Number:
		y, ok := b.(json.Number)
		return ok && (x == y || decimalOf(x) == decimalOf(y))
	case object:
		y, ok := b.(object)
		if !ok || len(x) != len(y) {
			return false
		}
		for key, value := range x {
			other, present := y[key]
			if !present || !equal(value, other) {
				return false
			}
		}
		return true
	case array:
		y, ok := b.(array)
		if !ok || len(x) != len(y) {
			return false
		}
		for i, value := range x {
			if !equal(value, y[i]) {
				return false
			}
		}
		return true
	default:
		return a == b
	}
}

// decimal is 0.digits × 10^exponent, without zeros at either end of digits: one form
// for each number, and no arithmetic that a huge exponent could make expensive.
type decimal struct {
	negative bool
	digits   string
	exponent int64
	raw      string // set instead where the exponent is out of all bounds
}

func decimalOf(n json.Number) decimal {
	text := strings.ToLower(n.String())
	unsigned, negative := strings.CutPrefix(text, "-")
	mantissa, power, _ := strings.Cut(unsigned, "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	trimmed := strings.TrimLeft(digits, "0")
	if trimmed == "" {
		return decimal{} // whatever the exponent
	}
	var exponent int64
	if power != "" {
		var err error
		if exponent, err = strconv.ParseInt(power, 10, 32); err != nil {
			return decimal{raw: text}
		}
	}
	exponent += int64(len(whole) - (len(digits) - len(trimmed)))
	return decimal{negative: negative, digits: strings.TrimRight(trimmed, "0"), exponent: exponent}
}
