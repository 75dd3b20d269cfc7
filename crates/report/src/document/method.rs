//! Definitions and units of the figures.

use super::{Block, Cell, Column, Section, Writer, section, table};
use crate::tables::{BROKEN_ATTEMPTS_MIN, BROKEN_FAILED_PERCENT, BROKEN_USES_MIN};

/// Term, definition and unit, each in Italian and in English.
type Definition = [(&'static str, &'static str); 3];

const DEFINITIONS: [Definition; 14] = [
    [
        ("Uso di un servizio", "Service use"),
        (
            "Un’operazione portata a termine in un servizio in rete. Le operazioni interrotte o non riuscite non sono contate.",
            "An operation in an online service that was completed. Those given up or failed do not count.",
        ),
        ("usi", "uses"),
    ],
    [
        (
            "Semplici, pagamenti, prenotazioni",
            "Plain, payments, bookings",
        ),
        (
            "Ogni uso è di un solo tipo: i tre tipi sommati danno il totale.",
            "Every use is of exactly one kind: the three kinds add up to the total.",
        ),
        ("usi", "uses"),
    ],
    [
        ("Accesso", "Access"),
        (
            "La visita di una pagina o di un’area di un portale; le parti di una pagina, come le immagini, non sono contate.",
            "A visit of a page or area of a portal; parts of pages, such as pictures, do not count.",
        ),
        ("accessi", "accesses"),
    ],
    [
        ("Visitatori-giorno", "Visitor-days"),
        (
            "I visitatori distinti di ciascun giorno in ciascun ente, sommati sui giorni. Nessuno è riconoscibile da un giorno all’altro o da un ente all’altro.",
            "The distinct visitors of each day in each ente, summed over the days. Nobody can be recognised from one day to the next, or from one ente to another.",
        ),
        ("visitatori-giorno", "visitor-days"),
    ],
    [
        ("Utenti per ora", "Users per hour"),
        (
            "I visitatori distinti di ciascuna ora, sommati sulle ore e divisi per le ore che nell’anno sono davvero esistite, compresi i cambi di ora legale.",
            "The distinct visitors of each hour, summed over the hours and divided by the hours that existed in the year, changes of the clock included.",
        ),
        ("utenti per ora", "users per hour"),
    ],
    [
        (
            "Quota fuori dall’orario di ufficio",
            "Share out of office hours",
        ),
        (
            "Gli utenti sommati sulle ore di notte e di sera, rispetto a quelli di tutte le ore: le fasce più lunghe pesano di più.",
            "Users summed over the hours of night and evening, of those of all hours: longer bands weigh more.",
        ),
        ("%", "%"),
    ],
    [
        ("Variazione", "Change"),
        (
            "La differenza rispetto all’anno di confronto, in percentuale di quell’anno. Se quell’anno è a zero o manca, la variazione non è definita.",
            "The difference from the compared year, in percent of that year. On a zero or missing base it is not defined.",
        ),
        ("%", "%"),
    ],
    [
        ("Servizi offerti", "Services offered"),
        (
            "Le coppie di ente e servizio attive nel registro l’ultimo giorno dell’anno.",
            "The pairs of ente and service that the register has in force on the last day of the year.",
        ),
        ("servizi", "services"),
    ],
    [
        ("Accessi per residente", "Accesses per resident"),
        (
            "Gli accessi dell’anno divisi per i residenti che il registro indica, con l’anno della rilevazione.",
            "The accesses of the year divided by the residents that the register gives, with the year of that number.",
        ),
        ("accessi per residente", "accesses per resident"),
    ],
    [
        ("NUOVO, RITIRATO", "NEW, RETIRED"),
        (
            "Servizio attivato per la prima volta nell’anno; servizio la cui ultima attivazione è cessata nell’anno.",
            "A service first deployed in the year; a service whose last deployment ended in the year.",
        ),
        ("", ""),
    ],
    [
        ("INUTILIZZATO", "UNUSED"),
        (
            "Servizio attivo tutto l’anno, usato nell’anno di confronto, mai usato né tentato in questo.",
            "A service deployed all year and used in the compared year, neither used nor tried in this one.",
        ),
        ("", ""),
    ],
    [
        ("Dispositivo", "Device"),
        (
            "Classe ricavata dall’identificativo del programma di navigazione. I programmi automatici (bot) sono contati a parte e non entrano nelle quote.",
            "Class by what the browser says of itself. Bots are counted apart and are in no share.",
        ),
        ("accessi", "accesses"),
    ],
    [
        ("Identità", "Login"),
        (
            "Come la persona si è identificata: SPID, CIE, CNS, password o in nessun modo. La quota è sugli usi.",
            "How the person was identified: SPID, CIE, CNS, password or not at all. The share is of the uses.",
        ),
        ("usi, accessi", "uses, accesses"),
    ],
    [
        ("n.d., non disponibile, –, *", "n/a, not available, –, *"),
        (
            "Non definito (per esempio una variazione su zero); dato che nessuna fonte ha fornito; zero; dato omesso perché riguarda troppo poche persone.",
            "Not defined (a change on zero, for instance); a figure that no source has given; zero; a figure left out because it is about too few people.",
        ),
        ("", ""),
    ],
];

impl Writer<'_> {
    /// Writes the definitions, the units and the sources of the figures.
    pub(super) fn method(self) -> Section {
        let columns = vec![
            Column::text(self.say("Voce", "Term")),
            Column::text(self.say("Definizione", "Definition")),
            Column::text(self.say("Unità", "Unit")),
        ];
        let row = |texts: Definition| texts.map(|(it, en)| Cell::Text(self.say(it, en))).to_vec();
        let mut rows: Vec<Vec<Cell>> = DEFINITIONS.into_iter().map(row).collect();
        rows.insert(11, self.broken());
        let caption = self.say("Definizioni e unità", "Definitions and units");
        let version = &self.report.register_version;
        let zone = &self.report.hours.time_zone;
        let source = self.say(
            &format!(
                "Le cifre vengono dagli eventi inviati dai portali, ciascuno contato una sola volta, nell’ora locale {zone}. Nomi, categorie e servizi offerti vengono dal registro, versione {version}. Nessun dato personale è conservato."
            ),
            &format!(
                "The figures come from the events that portals send, each counted once, in local time {zone}. Names, categories and services offered come from the register, version {version}. No personal data is kept."
            ),
        );
        let table = table("definitions", caption, columns, rows);
        section(
            "method",
            self.say("Metodo", "Method"),
            vec![Block::Text(source), table.into()],
        )
    }

    fn broken(self) -> Vec<Cell> {
        let percent = self.language.share(Some(BROKEN_FAILED_PERCENT));
        let definition = self.say(
            &format!(
                "Servizio attivo a fine anno, con più del {percent} di tentativi non riusciti su almeno {BROKEN_ATTEMPTS_MIN}; oppure con almeno {BROKEN_USES_MIN} usi, l’ultimo entro settembre, mentre nell’anno di confronto era usato anche dopo."
            ),
            &format!(
                "A service deployed at the end of the year of which more than {percent} of at least {BROKEN_ATTEMPTS_MIN} attempts failed; or with at least {BROKEN_USES_MIN} uses, the last of them before October, though in the compared year it was used later, too."
            ),
        );
        vec![
            Cell::Text(self.say("GUASTO", "BROKEN")),
            Cell::Text(definition),
            Cell::Text(String::new()),
        ]
    }
}
