"""The phrases that may not return, each with what to write instead.

A key is a regular expression without regard to case. A space in it stands for any white space, also a line break.
Keep a phrase precise: one that also matches good English makes everyone distrust the list.
"""

_QUESTION = r"\b(?![^.?!]*\?)"
_BE = r"(?:be|been|being|is|are|was|were|gets?|got)"

# These count only at the beginning of a sentence, and not in a question.
OPENINGS = {
    r"Who(?:ever|m|se)?" + _QUESTION: "name who acts: 'If a client ...', 'The operator ...'",
    r"What (?:is|are|was|were|has|had|does|do|did|can|may|must|comes|came|stands|no)" + _QUESTION: "name the thing",
}

PHRASES = {
    # Private words for what OAuth, AWS and operations have names for
    r"third part(?:y|ies)": "provider",
    r"dut(?:y|ies)": "job",
    r"what is due": "the due jobs",
    r"hand-?outs? of (?:a )?third": "token hand-out",
    r"(?:turn|turns|turned|turning) (?:a |the |every |each |all |its |this |that )?(?:\w+ )?keys?": "rotate",
    r"keys? " + _BE + r" turned|keys? (?:cannot|could not|can) be turned|turns? of (?:a|the) key": "rotated, rotation",
    r"sitting": "active session",
    r"who(?:ever)? (?:sits|runs (?:it|this|us)|asks|is asked)": "the user, the operator, the client",
    r"(?:the|a|no|each|every|its|another|third) places? of (?:a|an|the) (?:item|table|record|grant|token)": "item key",
    r"wish(?:es|ed)?": "request",
    r"strangers?": "untrusted, external; or name the client or user",
    r"(?:of|from|by) ours": "the broker's",
    r"(?:our|my|the) house": "the repository, the package",
    r"name (?:of )?the number|number of (?:this|the) (?:page|error)": "reference",
    # Verbs that stand for others
    r"told(?! apart)": "notified, reported, returned",
    r"taken back|(?:take|takes|took|taking) (?:it|them|that|access|consent|(?:a|the|its|their) \w+) back": "revoked",
    _BE + r" (?:\w+ )?kept": "stored, retained",
    r"what (?:it|we|they|the broker) keeps?|keeps? nothing of": "what it stores",
    r"(?:is|are|was|were) over": "has expired, has ended (say which)",
    r"(?:is|are|was|were) (?:long )?alive|lives? on": "is valid, is active, remains",
    r"(?:die|dies|died)": "crashes",
    r"stands? (?:in|at|there|nowhere|under|beside|behind|alone|here|above|below|on|as|open)": "is stored, is defined",
    r"stood (?:in|at|there|nowhere|under|beside|behind|alone|here|above|below|on|as)": "was stored, was defined",
    r"(?:lie|lies|lay) (?:in|at|there|under|beside|behind|here|on)": "is stored, is in",
    r"(?:is|are|was|were) played": "is simulated, is fake",
    r"(?:narrow|narrows|narrowed|narrowing)": "reduces permissions, fewer scopes",
    r"allows? less": "reduces permissions",
    r"(?:revive|revives|revived|revives nothing)": "restore, re-enable",
    r"mend(?:s|ed|ing)?": "fix",
    r"(?:it|alarm|alarms|this|which) (?:\w+ )?(?:ring|rings|rang)": "fires (an alarm)",
    r"heal(?:s|ed|ing)?": "recovers",
    r"(?:come|comes|came|coming) (?:home|of it|of that|of this|out of it)": "results, returns",
    r"(?:is|are|was|were) held (?:to|against)|(?:hold|holds) (?:it|them|that) (?:to|against)": "is checked against",
    r"(?:let|lets) (?:in|nobody|begin)": "accepts, allows",
    # Figures of speech
    r"(?:way|trip) (?:back|out|there|home)|(?:another|one|each|second) trip": "redirect, callback",
    r"good for": "valid for",
    r"as good as": "nearly",
    r"by (?:itself|themselves)|of (?:its|their|his) own accord": "automatically",
    r"(?:anew|afresh)": "again",
    r"any ?more": "(delete), no longer",
    r"of before": "earlier",
    r"at first(?! (?:sight|glance|use))": "by default, initially",
    r"(?<!there\x20)(?:is|are|was|were) none": "there is no ..., does not exist",
    r"nobody (?:is|was) called|(?:of|for) nobody": "no such ..., no user",
    r"(?:somebody|everybody|anybody)": "name the actor: a user, an attacker, every client",
    r"as it stands|as they stand": "unchanged",
    r"goes the rest of the way": "finishes the work",
    r"(?:take|takes|taken|took) for granted": "assumes",
    r"write (?:it|that|them) down": "record, note",
    r"e-mails?": "email",
}
