"""English function words, which say nothing about the topic of a text."""

_ARTICLES = "a an the this that these those such same other another"
_PRONOUNS = """i me my mine myself we us our ours ourselves you your yours yourself he him his himself
she her hers herself it its itself they them their theirs themselves who whom whose which what
whoever whatever one ones anyone anything everyone everything someone something nobody nothing none
there here"""
_PREPOSITIONS = """about above across after against along amid among amongst around as at before
behind below beneath beside besides between beyond by despite down during except for from in inside
into near of off on onto out outside over per since than through throughout till to toward towards
under until unto up upon via with within without"""
_CONJUNCTIONS = """and or nor but yet so if unless whether while whereas where when whenever wherever
because although though either neither both once lest thus hence therefore thereby whereby wherein
therein thereafter"""
_VERBS = """am is are was were be been being do does did done doing have has had having can cannot
could may might must shall should will would ought let"""
_AMOUNTS = """all any each every few fewer less least many more most much several some enough half
first last two three four five six eight nine ten"""
_ADVERBS = """again almost already also always else elsewhere even ever further furthermore how
however indeed instead just mainly meanwhile moreover mostly namely never nevertheless not now often
only otherwise own perhaps quite rather really still then too very well why etc eg ie"""

_ALL = (_ARTICLES, _PRONOUNS, _PREPOSITIONS, _CONJUNCTIONS, _VERBS, _AMOUNTS, _ADVERBS)
FUNCTION_WORDS = frozenset(word for kind in _ALL for word in kind.split())
