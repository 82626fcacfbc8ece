package wire

// Code is one of the stable error codes that pages see; jsglue/src/types.ts
// documents them.
type Code string

// The error codes that the Go program uses.
const (
	InvalidArgument   Code = "invalid-argument"
	CredentialsFailed Code = "credentials-failed"
	HandshakeFailed   Code = "handshake-failed"
	ConnackRefused    Code = "connack-refused"
	SubscribeRefused  Code = "subscribe-refused"
	PublishRefused    Code = "publish-refused"
	ServerDisconnect  Code = "server-disconnect"
	TransportClosed   Code = "transport-closed"
	ClientClosed      Code = "closed"
	Timeout           Code = "timeout"
	Aborted           Code = "aborted"
	QuotaExceeded     Code = "quota-exceeded"
	Offline           Code = "offline"
	ShadowRejected    Code = "shadow-rejected"
	ProtocolError     Code = "protocol-error"
	Internal          Code = "internal"
)

// Error is an error as a page sees it. Its texts never hold a key, a token, a
// payload or a URL's query.
type Error struct {
	Code      Code
	Message   string
	Field     string // the argument that is wrong, where there is one
	Hint      string // what to check or do
	Retryable bool
	// HasReasonCode says that the server gave ReasonCode.
	HasReasonCode bool
	ReasonCode    byte
}

// Error returns the code and the message.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

func (w *Writer) error(e *Error) {
	w.string(string(e.Code))
	w.string(e.Message)
	w.string(e.Field)
	w.string(e.Hint)
	w.bool(e.Retryable)
	w.bool(e.HasReasonCode)
	w.u8(e.ReasonCode)
}

// optionalError writes whether there is one, and then the error.
func (w *Writer) optionalError(e *Error) {
	w.bool(e != nil)
	if e != nil {
		w.error(e)
	}
}

func (r *Reader) error() Error {
	return Error{
		Code: Code(r.string()), Message: r.string(), Field: r.string(), Hint: r.string(),
		Retryable: r.bool(), HasReasonCode: r.bool(), ReasonCode: r.u8(),
	}
}
