"""Understanding: spaCy pipeline, sentence encoder, classifier, answer retriever."""
