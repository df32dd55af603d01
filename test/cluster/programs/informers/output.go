package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

type output struct{ encoder *json.Encoder }

func newOutput(w io.Writer) *output { return &output{json.NewEncoder(w)} }

// write adds the event's name to fields and writes them as one line.
func (o *output) write(event string, fields map[string]any) {
	line := map[string]any{"event": event}
	for name, value := range fields {
		line[name] = value
	}
	if err := o.encoder.Encode(line); err != nil {
		// Nobody reads any more; standard error may still go somewhere.
		fmt.Fprintf(os.Stderr, "informers: writing %s: %v\n", event, err)
	}
}
