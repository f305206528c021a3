"""The staff console under /staff: testing dialogues, mending answers, seeing what people ask."""
