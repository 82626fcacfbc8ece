package session

import "github.com/eclipse/paho.golang/packets"

// sentAliases are the topic aliases of a link towards the server. The topic that
// was not used for longest gives up its alias to a new one.
type sentAliases struct {
	maximum uint16
	topics  []string // topics[i] has the alias i+1
	order   []uint16 // the last used is last
	byTopic map[string]uint16
}

// maxAliasSize is by how much an alias can make a packet longer: its property, and
// another byte in each of the two lengths.
const maxAliasSize = 5

// apply replaces the topic name of p by an alias, or sets one along with it.
func (a *sentAliases) apply(p *packets.Publish) {
	if a.maximum == 0 {
		return
	}
	props := packets.Properties{}
	if p.Properties != nil {
		props = *p.Properties // the caller keeps its own
	}
	alias, known := a.byTopic[p.Topic]
	switch {
	case known:
		a.touch(alias)
	case len(a.topics) < int(a.maximum):
		if a.byTopic == nil {
			a.byTopic = make(map[string]uint16)
		}
		alias = uint16(len(a.topics) + 1)
		a.topics = append(a.topics, p.Topic)
		a.order = append(a.order, alias)
		a.byTopic[p.Topic] = alias
	default:
		alias = a.order[0]
		delete(a.byTopic, a.topics[alias-1])
		a.topics[alias-1] = p.Topic
		a.byTopic[p.Topic] = alias
		a.touch(alias)
	}
	props.TopicAlias = &alias
	p.Properties = &props
	if known {
		p.Topic = ""
	}
}

// touch makes alias the last used.
func (a *sentAliases) touch(alias uint16) {
	for i, each := range a.order {
		if each == alias {
			a.order = append(append(a.order[:i], a.order[i+1:]...), alias)
			return
		}
	}
}

// receivedAliases are the topic aliases that the server set on a link.
type receivedAliases struct {
	maximum uint16 // that the CONNECT allowed
	topics  map[uint16]string
}

// resolve gives p its topic name. It reports whether p has one, and an alias of
// those that were allowed [MQTT-3.1.2-26], if any.
func (r *receivedAliases) resolve(p *packets.Publish) bool {
	if p.Properties == nil || p.Properties.TopicAlias == nil {
		return p.Topic != ""
	}
	alias := *p.Properties.TopicAlias
	if alias == 0 || alias > r.maximum {
		return false
	}
	if p.Topic == "" {
		p.Topic = r.topics[alias]
		return p.Topic != ""
	}
	if r.topics == nil {
		r.topics = make(map[uint16]string)
	}
	r.topics[alias] = p.Topic
	return true
}
