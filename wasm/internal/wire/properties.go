package wire

import "github.com/eclipse/paho.golang/packets"

// properties writes p, nil standing for none.
func (w *Writer) properties(p *packets.Properties) {
	at := len(w.buf)
	w.u16(0)
	if p == nil {
		return
	}
	n := uint16(0)
	n += w.property8(packets.PropPayloadFormat, p.PayloadFormat)
	n += w.property32(packets.PropMessageExpiry, p.MessageExpiry)
	n += w.propertyText(packets.PropContentType, p.ContentType)
	n += w.propertyText(packets.PropResponseTopic, p.ResponseTopic)
	n += w.propertyText(packets.PropCorrelationData, string(p.CorrelationData))
	if p.SubscriptionIdentifier != nil {
		n += w.property32(packets.PropSubscriptionIdentifier, ref(uint32(*p.SubscriptionIdentifier)))
	}
	n += w.property32(packets.PropSessionExpiryInterval, p.SessionExpiryInterval)
	n += w.propertyText(packets.PropAssignedClientID, p.AssignedClientID)
	n += w.property16(packets.PropServerKeepAlive, p.ServerKeepAlive)
	n += w.propertyText(packets.PropAuthMethod, p.AuthMethod)
	n += w.propertyText(packets.PropAuthData, string(p.AuthData))
	n += w.property8(packets.PropRequestProblemInfo, p.RequestProblemInfo)
	n += w.property32(packets.PropWillDelayInterval, p.WillDelayInterval)
	n += w.property8(packets.PropRequestResponseInfo, p.RequestResponseInfo)
	n += w.propertyText(packets.PropResponseInfo, p.ResponseInfo)
	n += w.propertyText(packets.PropServerReference, p.ServerReference)
	n += w.propertyText(packets.PropReasonString, p.ReasonString)
	n += w.property16(packets.PropReceiveMaximum, p.ReceiveMaximum)
	n += w.property16(packets.PropTopicAliasMaximum, p.TopicAliasMaximum)
	n += w.property16(packets.PropTopicAlias, p.TopicAlias)
	n += w.property8(packets.PropMaximumQOS, p.MaximumQOS)
	n += w.property8(packets.PropRetainAvailable, p.RetainAvailable)
	for _, u := range p.User {
		w.u8(packets.PropUser)
		w.string(u.Key)
		w.string(u.Value)
		n++
	}
	n += w.property32(packets.PropMaximumPacketSize, p.MaximumPacketSize)
	n += w.property8(packets.PropWildcardSubAvailable, p.WildcardSubAvailable)
	n += w.property8(packets.PropSubIDAvailable, p.SubIDAvailable)
	n += w.property8(packets.PropSharedSubAvailable, p.SharedSubAvailable)
	w.buf[at], w.buf[at+1] = byte(n), byte(n>>8)
}

// The functions below write one property if it is there, and return how many
// that makes. Inlined at each of their uses they would cost the page 10 KB.

//go:noinline
func (w *Writer) property8(id byte, v *byte) uint16 {
	if v == nil {
		return 0
	}
	w.u8(id)
	w.u8(*v)
	return 1
}

//go:noinline
func (w *Writer) property16(id byte, v *uint16) uint16 {
	if v == nil {
		return 0
	}
	w.u8(id)
	w.u16(*v)
	return 1
}

//go:noinline
func (w *Writer) property32(id byte, v *uint32) uint16 {
	if v == nil {
		return 0
	}
	w.u8(id)
	w.u32(*v)
	return 1
}

//go:noinline
func (w *Writer) propertyText(id byte, v string) uint16 {
	if v == "" {
		return 0
	}
	w.u8(id)
	w.string(v)
	return 1
}

// properties reads a set of properties; nil where it is empty.
func (r *Reader) properties() *packets.Properties {
	n := r.count(2)
	if n == 0 {
		return nil
	}
	p := new(packets.Properties)
	for range n {
		switch id := r.u8(); id {
		case packets.PropPayloadFormat:
			p.PayloadFormat = ref(r.u8())
		case packets.PropMessageExpiry:
			p.MessageExpiry = ref(r.u32())
		case packets.PropContentType:
			p.ContentType = r.string()
		case packets.PropResponseTopic:
			p.ResponseTopic = r.string()
		case packets.PropCorrelationData:
			p.CorrelationData = r.bytes()
		case packets.PropSubscriptionIdentifier:
			p.SubscriptionIdentifier = ref(int(r.u32()))
		case packets.PropSessionExpiryInterval:
			p.SessionExpiryInterval = ref(r.u32())
		case packets.PropAssignedClientID:
			p.AssignedClientID = r.string()
		case packets.PropServerKeepAlive:
			p.ServerKeepAlive = ref(r.u16())
		case packets.PropAuthMethod:
			p.AuthMethod = r.string()
		case packets.PropAuthData:
			p.AuthData = r.bytes()
		case packets.PropRequestProblemInfo:
			p.RequestProblemInfo = ref(r.u8())
		case packets.PropWillDelayInterval:
			p.WillDelayInterval = ref(r.u32())
		case packets.PropRequestResponseInfo:
			p.RequestResponseInfo = ref(r.u8())
		case packets.PropResponseInfo:
			p.ResponseInfo = r.string()
		case packets.PropServerReference:
			p.ServerReference = r.string()
		case packets.PropReasonString:
			p.ReasonString = r.string()
		case packets.PropReceiveMaximum:
			p.ReceiveMaximum = ref(r.u16())
		case packets.PropTopicAliasMaximum:
			p.TopicAliasMaximum = ref(r.u16())
		case packets.PropTopicAlias:
			p.TopicAlias = ref(r.u16())
		case packets.PropMaximumQOS:
			p.MaximumQOS = ref(r.u8())
		case packets.PropRetainAvailable:
			p.RetainAvailable = ref(r.u8())
		case packets.PropUser:
			p.User = append(p.User, packets.User{Key: r.string(), Value: r.string()})
		case packets.PropMaximumPacketSize:
			p.MaximumPacketSize = ref(r.u32())
		case packets.PropWildcardSubAvailable:
			p.WildcardSubAvailable = ref(r.u8())
		case packets.PropSubIDAvailable:
			p.SubIDAvailable = ref(r.u8())
		case packets.PropSharedSubAvailable:
			p.SharedSubAvailable = ref(r.u8())
		default:
			r.err = ErrMalformed
		}
		if r.err != nil {
			return nil
		}
	}
	return p
}

func ref[T any](v T) *T { return &v }
