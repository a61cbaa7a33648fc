package layer

// Version is the file under a key of a Follower since a layer.
type Version struct {
	Layer int   // index, bottom = 0
	File  *Node // nil = there was none
}

// history is the versions of one key, oldest first.
type history struct{ versions []Version }

// record adds the files that are visible now, of those keys under which there was another file before.
func (v *View) record(layer int, now map[string]*Node) {
	for key, file := range now {
		if v.histories[key] == nil {
			v.histories[key] = &history{[]Version{{layer, file}}}
		}
	}
	for key, h := range v.histories {
		if file := now[key]; file != h.versions[len(h.versions)-1].File {
			h.versions = append(h.versions, Version{layer, file})
		}
	}
}

// History returns which files were visible under a key of a Follower, oldest first.
func (v *View) History(key string) []Version {
	if h := v.histories[key]; h != nil {
		return h.versions
	}
	return nil
}
