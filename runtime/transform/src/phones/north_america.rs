//! Countries of the North American numbering plan by the first digits of a number: the library compiles hundreds of expressions before it can tell.

use std::sync::LazyLock;

use crate::Country;

/// Area codes from which on a country has them all, until the next; `--`: nobody has them.
const AREAS: &str = "200-- 201US 204CA 205US 211-- 212US 221-- 223US 226CA 227US 230-- 231US 232-- 234US 236CA 237-- 239US 241-- 242BS 243-- 246BB 247-- 248US 249CA 251US \
255-- 256US 257CA 258-- 260US 261-- 262US 263CA 264AI 265-- 267US 268AG 269US 271-- 272US 273-- 276US 277-- 279US 280-- 281US 282-- 283US 284VG 285-- \
289CA 290-- 301US 306CA 307US 311-- 312US 322-- 323US 328-- 329US 333-- 334US 335-- 336US 338-- 339US 340VI 341US 342-- 343CA 344-- 345KY 346US 348-- \
350US 354CA 355-- 360US 362-- 363US 365CA 366-- 367CA 369US 370-- 380US 381-- 382CA 383-- 385US 387-- 401US 403CA 404US 411-- 412US 416CA 417US 418CA \
419US 420-- 423US 426-- 428CA 429-- 430US 431CA 432US 433-- 434US 436-- 437CA 439-- 440US 441BM 442US 444-- 445US 446-- 447US 449-- 450CA 451-- 458US \
459-- 463US 465-- 468CA 469US 471-- 472US 473GD 474CA 475US 476-- 478US 481-- 484US 485-- 500US 506CA 507US 511-- 512US 514CA 515US 519CA 520US 523-- \
525US 535-- 539US 542-- 544US 545-- 548CA 549-- 551US 552-- 557US 558-- 559US 560-- 561US 565-- 566US 568-- 570US 576-- 577US 578-- 579CA 580US 581CA \
582US 583-- 584CA 585US 587CA 588US 589-- 600CA 601US 604CA 605US 611-- 612US 613CA 614US 621-- 622CA 623US 624-- 626US 627-- 628US 632-- 633CA 634-- \
636US 637-- 639CA 640US 642-- 645US 647CA 648-- 649TC 650US 652-- 656US 658JM 659US 663-- 664MS 665-- 667US 668-- 669US 670MP 671GU 672CA 673-- 678US \
679-- 680US 683CA 684AS 685-- 686US 687-- 689US 690-- 701US 705CA 706US 709CA 710-- 712US 721SX 722-- 724US 729-- 730US 733-- 734US 735-- 737US 739-- \
740US 741-- 742CA 743US 744-- 747US 749-- 753CA 754US 755-- 757US 758LC 759-- 760US 761-- 762US 764-- 765US 766-- 767DM 768-- 769US 776-- 778CA 779US \
780CA 781US 782CA 783-- 784VC 785US 787PR 788-- 800US 807CA 808US 809DO 810US 811-- 812US 819CA 820US 822-- 825CA 826US 827-- 828US 829DO 830US 834-- \
835US 836-- 838US 841-- 843US 846-- 847US 849DO 850US 851-- 854US 861-- 862US 867CA 868TT 869KN 870US 871-- 872US 873CA 874-- 876JM 877US 879CA 880-- \
888US 889-- 900US 902CA 903US 905CA 906US 911-- 912US 921-- 925US 926-- 928US 932-- 934US 935-- 936US 939PR 940US 942CA 943US 944-- 945US 946-- 947US \
950-- 951US 953-- 954US 955-- 956US 957-- 959US 960-- 970US 974-- 975US 976-- 978US 981-- 983US 987-- 989US 990--";

/// Countries of blocks of ten thousand numbers that differ from the rest of their area code, by four digits.
const BLOCKS: [(usize, &str); 7] =
    [(2742, "US"), (2747, "US"), (4725, "--"), (4726, "--"), (8001, "DO"), (9835, "--"), (9836, "--")];

/// The country of a national number of ten digits, save those of 523 and 524, where further digits tell; none where nobody has it.
pub(super) fn country(national: &str) -> Option<Country> {
    static COUNTRIES: LazyLock<Vec<Option<Country>>> = LazyLock::new(countries);
    let prefix: usize = national.get(..4)?.parse().ok()?;
    *COUNTRIES.get(prefix)?
}

/// The countries by the first four digits.
fn countries() -> Vec<Option<Country>> {
    let mut all = vec![None; 10_000];
    let mut marks = AREAS.split_ascii_whitespace().filter_map(|mark| {
        let (area, country) = mark.split_at_checked(3)?;
        Some((area.parse::<usize>().ok()?, Country::from_code(country)))
    });
    let mut here = None;
    let mut next = marks.next();
    for area in 200..1000 {
        if let Some((from, country)) = next
            && from == area
        {
            (here, next) = (country, marks.next());
        }
        // Of the two large countries, exchanges begin with 2 to 9.
        let is_large = here.is_some_and(|country: Country| matches!(country.code(), "US" | "CA"));
        for digit in if is_large { 2..10 } else { 0..10 } {
            if let Some(slot) = all.get_mut(area * 10 + digit) {
                *slot = here;
            }
        }
    }
    for (prefix, country) in BLOCKS {
        if let Some(slot) = all.get_mut(prefix) {
            *slot = Country::from_code(country);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_the_rules_of_the_countries_say() {
        let asked = |national: &str| {
            let found = phonenumber::parse(None, format!("+1{national}")).ok()?;
            found.country().id().and_then(|id| Country::from_code(id.as_ref()))
        };
        let wrong: Vec<String> = (2_000..10_000)
            .filter(|prefix| !matches!(prefix / 10, 523 | 524))
            .flat_map(|prefix| ["234567", "100000"].map(|rest| format!("{prefix}{rest}")))
            .filter(|national| country(national) != asked(national))
            .collect();
        assert_eq!(wrong, Vec::<String>::new());
        assert_eq!([country("201"), country("x0123"), country("1234567890")], [None; 3]);
    }
}
