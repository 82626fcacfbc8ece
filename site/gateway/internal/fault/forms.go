package fault

// The names of a rule's parameters.
const (
	memberOn       = "on"
	memberStatus   = "status"
	memberReason   = "reasonCode"
	memberDelay    = "delayMs"
	memberWithin   = "withinMs"
	memberBytes    = "bytes"
	memberCopies   = "copies"
	memberTimes    = "times"
	memberEvery    = "every"
	memberClientID = "clientId"
	memberTopic    = "topic"
	memberThing    = "thing"
)

// form is what a rule with a fault and an action may hold: parameters that must be
// there, parameters that may, and members of match.
type form struct {
	required, optional, match []string
	// uncounted rules have neither times nor every.
	uncounted bool
	standard  Rule // parameters which are not given
}

var (
	byClient = []string{memberClientID}
	byTopic  = []string{memberClientID, memberTopic}
	byThing  = []string{memberThing}

	needsDelay = []string{memberDelay}
	needsCode  = []string{memberReason}
	mayDelay   = []string{memberDelay}

	dropOrDelay = map[string]form{
		drop:  {match: byTopic},
		delay: {required: needsDelay, match: byTopic},
	}

	// forms are all the rules there can be, by fault and action. A fault with one thing
	// to do needs no action.
	forms = map[string]map[string]form{
		Upgrade: {
			refuse: {required: []string{memberStatus}, optional: mayDelay},
			hang:   {},
			delay:  {required: needsDelay},
		},
		Connack: {
			refuse: {required: needsCode, match: byClient},
			drop:   {match: byClient},
			delay:  {required: needsDelay, match: byClient},
		},
		Disconnect: {"": {required: needsCode, optional: []string{memberOn, memberDelay}, match: byTopic, standard: Rule{On: Connack}}},
		Kill:       {"": {optional: []string{memberOn, memberDelay}, match: byTopic, standard: Rule{On: Connack, DelayMs: 100}}},
		Freeze:     {"": {optional: []string{memberOn, memberDelay}, match: byTopic, standard: Rule{On: Connack}}},
		Puback: {
			refuse: {required: needsCode, match: byTopic},
			drop:   {match: byTopic},
			delay:  {required: needsDelay, match: byTopic},
		},
		Suback: {
			refuse: {required: needsCode, match: byTopic},
			drop:   {match: byTopic},
			delay:  {required: needsDelay, match: byTopic},
		},
		Unsuback: {
			refuse: {required: needsCode, match: byTopic},
			drop:   {match: byTopic},
			delay:  {required: needsDelay, match: byTopic},
		},
		Pubrec:  dropOrDelay,
		Pubrel:  dropOrDelay,
		Pubcomp: dropOrDelay,
		Pingresp: {
			drop:  {match: byClient},
			delay: {required: needsDelay, match: byClient},
		},
		Publish: {
			duplicate: {optional: []string{memberCopies, memberDelay}, match: byTopic, standard: Rule{Copies: 1}},
			reorder:   {optional: mayDelay, match: byTopic, standard: Rule{DelayMs: 1000}},
			drop:      {match: byTopic},
			delay:     {required: needsDelay, match: byTopic},
		},
		Frames: {
			split:    {optional: []string{memberBytes}, match: byClient, standard: Rule{Bytes: 1}},
			fragment: {optional: []string{memberBytes}, match: byClient, standard: Rule{Bytes: 1}},
			merge:    {optional: mayDelay, match: byClient, standard: Rule{DelayMs: 100}},
			empty:    {optional: []string{memberCopies}, match: byClient, standard: Rule{Copies: 1}},
		},
		Read: {"": {required: needsDelay, optional: []string{memberBytes}, match: byClient, standard: Rule{Bytes: 1024}}},
		Shadow: {
			refuse: {required: []string{memberStatus}, optional: mayDelay, match: byThing},
			drop:   {match: byThing},
			delay:  {required: needsDelay, match: byThing},
		},
		ShadowCreation: {
			refuse: {required: []string{memberWithin}, uncounted: true},
			drop:   {required: []string{memberWithin}, uncounted: true},
		},
	}

	triggers = []string{Connack, Puback, Pubrec, Pubrel, Pubcomp, Suback, Unsuback, Pingresp, Publish}
)
