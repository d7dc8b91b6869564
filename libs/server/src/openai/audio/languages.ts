/** The languages of Whisper by the names that OpenAI's answers have, and their codes (ISO 639-1 where there is one). */
const NAMES =
  'af afrikaans,am amharic,ar arabic,as assamese,az azerbaijani,ba bashkir,be belarusian,bg bulgarian,bn bengali,' +
  'bo tibetan,br breton,bs bosnian,ca catalan,cs czech,cy welsh,da danish,de german,el greek,en english,es spanish,' +
  'et estonian,eu basque,fa persian,fi finnish,fo faroese,fr french,gl galician,gu gujarati,ha hausa,haw hawaiian,' +
  'he hebrew,hi hindi,hr croatian,ht haitian creole,hu hungarian,hy armenian,id indonesian,is icelandic,it italian,' +
  'ja japanese,jw javanese,ka georgian,kk kazakh,km khmer,kn kannada,ko korean,la latin,lb luxembourgish,ln lingala,' +
  'lo lao,lt lithuanian,lv latvian,mg malagasy,mi maori,mk macedonian,ml malayalam,mn mongolian,mr marathi,ms malay,' +
  'mt maltese,my myanmar,ne nepali,nl dutch,nn nynorsk,no norwegian,oc occitan,pa punjabi,pl polish,ps pashto,' +
  'pt portuguese,ro romanian,ru russian,sa sanskrit,sd sindhi,si sinhala,sk slovak,sl slovenian,sn shona,so somali,' +
  'sq albanian,sr serbian,su sundanese,sv swedish,sw swahili,ta tamil,te telugu,tg tajik,th thai,tk turkmen,' +
  'tl tagalog,tr turkish,tt tatar,uk ukrainian,ur urdu,uz uzbek,vi vietnamese,yi yiddish,yo yoruba,yue cantonese,' +
  'zh chinese';

const nameOf = new Map(NAMES.split(',').map((entry) => entry.split(/ (.*)/s).slice(0, 2) as [string, string]));
const codeOf = new Map([...nameOf].map(([code, name]) => [name, code]));

/** Further names and codes of the same languages. */
const OTHERS: Readonly<Record<string, string>> = {
  ...{ jv: 'jw', javanese: 'jw', iw: 'he', nb: 'no', fil: 'tl', cmn: 'zh', mandarin: 'zh', burmese: 'my' },
  ...{ valencian: 'ca', flemish: 'nl', haitian: 'ht', letzeburgesch: 'lb', pushto: 'ps', panjabi: 'pa' },
  ...{ moldavian: 'ro', moldovan: 'ro', sinhalese: 'si', castilian: 'es', bangla: 'bn', filipino: 'tl', farsi: 'fa' },
};

/** The code for what a client sent: a code, a code with a region (`en-US`), or an English name. */
export function toLanguageCode(sent: string): string | undefined {
  const text = sent.trim().toLowerCase();
  const primary = text.split(/[-_]/)[0]!;
  const code = codeOf.get(text) ?? OTHERS[text] ?? OTHERS[primary] ?? primary;
  return nameOf.has(code) ? code : undefined;
}

/** `en` → `english`; a code without a name here stays as it is. */
export function toLanguageName(code: string): string {
  return nameOf.get(code) ?? code;
}
