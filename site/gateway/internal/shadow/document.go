package shadow

// sections are the two halves of a shadow. A half that is empty is absent.
type sections struct{ desired, reported object }

func (s sections) sections() body {
	out := body{}
	if len(s.desired) > 0 {
		out = append(out, member{"desired", s.desired})
	}
	if len(s.reported) > 0 {
		out = append(out, member{"reported", s.reported})
	}
	return out
}

// document is a shadow's content. It is never changed in place, so that an answer
// may show the one before and the one after.
type document struct {
	state    sections
	metadata sections // a timestamp in the place of each value
}

// apply merges a request into the document.
func (d document) apply(r request, timestamp int64) document {
	if r.clears {
		return document{}
	}
	d.state.desired, d.metadata.desired = r.desired.apply(d.state.desired, d.metadata.desired, timestamp)
	d.state.reported, d.metadata.reported = r.reported.apply(d.state.reported, d.metadata.reported, timestamp)
	return d
}

func (p section) apply(state, metadata object, timestamp int64) (object, object) {
	switch {
	case !p.given:
		return state, metadata
	case p.value == nil:
		return nil, nil
	}
	return merge(state, metadata, p.value, timestamp)
}

// merge lays patch over state: null removes, an object is merged, and any other value
// (an array too) replaces what was there.
func merge(state, metadata, patch object, timestamp int64) (object, object) {
	outState, outMetadata := copyOf(state), copyOf(metadata)
	for key, value := range patch {
		nested, isObject := value.(object)
		if value == nil {
			delete(outState, key)
			delete(outMetadata, key)
			continue
		}
		if !isObject {
			outState[key], outMetadata[key] = value, metadataOf(value, timestamp)
			continue
		}
		oldState, merges := state[key].(object)
		oldMetadata, _ := metadata[key].(object)
		if !merges {
			oldMetadata = nil
		}
		newState, newMetadata := merge(oldState, oldMetadata, nested, timestamp)
		if !merges && len(newState) == 0 && len(nested) > 0 {
			// Nothing but nulls: there is nothing to create, in the place of nothing
			// or of a value of another kind.
			delete(outState, key)
			delete(outMetadata, key)
			continue
		}
		outState[key], outMetadata[key] = newState, newMetadata
	}
	return outState, outMetadata
}

// metadataOf returns the metadata of a value set at timestamp.
func metadataOf(value any, timestamp int64) any {
	switch v := value.(type) {
	case object:
		out := make(object, len(v))
		for key, inner := range v {
			out[key] = metadataOf(inner, timestamp)
		}
		return out
	case array:
		out := make(array, len(v))
		for i, inner := range v {
			out[i] = metadataOf(inner, timestamp)
		}
		return out
	default:
		return object{"timestamp": timestamp}
	}
}

// delta returns what is desired and not reported, with its metadata, or nil.
func (d document) delta() (state, metadata object) {
	state, metadata = difference(d.state.desired, d.state.reported, d.metadata.desired)
	if len(state) == 0 {
		return nil, nil
	}
	return state, metadata
}

func difference(desired, reported, metadata object) (object, object) {
	outState, outMetadata := object{}, object{}
	for key, want := range desired {
		have, present := reported[key]
		wantObject, wantIsObject := want.(object)
		haveObject, haveIsObject := have.(object)
		if wantIsObject && haveIsObject {
			nestedMetadata, _ := metadata[key].(object)
			state, meta := difference(wantObject, haveObject, nestedMetadata)
			if len(state) > 0 {
				outState[key], outMetadata[key] = state, meta
			}
			continue
		}
		if !present || !equal(want, have) {
			outState[key], outMetadata[key] = want, metadata[key]
		}
	}
	return outState, outMetadata
}

// size is what the limit of a document counts.
func (d document) size() int {
	size := 0
	for _, half := range []object{d.state.desired, d.state.reported} {
		if len(half) > 0 {
			size += len(encode(half))
		}
	}
	return size
}

// depth counts the levels under a section; a value of its own has none.
func depth(value any) int {
	deepest := 0
	switch v := value.(type) {
	case object:
		for _, inner := range v {
			deepest = max(deepest, 1+depth(inner))
		}
	case array:
		for _, inner := range v {
			deepest = max(deepest, 1+depth(inner))
		}
	}
	return deepest
}

func copyOf(o object) object {
	out := make(object, len(o))
	for key, value := range o {
		out[key] = value
	}
	return out
}
