"""Drugs told by the text of a brand alone: each is of the groups its ingredients are of."""

from __future__ import annotations

import pytest
from shipped_terminology import TERMINOLOGY

BRANDS = {
    "cns-depressant-benzodiazepine": (
        "Ativan 0.5 mg, Xanax, Klonopin, Valium, Librium, Librax, Restoril, Halcion, Onfi, Tranxene T-tab, "
        "Versed, Nayzilam 5 mg spray, Doral, Limbitrol"
    ),
    "cns-depressant-opioid": (
        "Vicodin ES 7.5-750, Norco 10/325, Lortab, Lorcet, Percocet 5-325, OxyContin, Roxicodone, Endocet, "
        "Tylox, Dilaudid, MS Contin 15 mg, Kadian, Demerol, Dolophine, Methadose, Duragesic patch, Actiq, "
        "Ultram, Ultracet, Nucynta, Opana ER, Suboxone film, Subutex, Butrans, Sublocade, Belbuca, "
        "Talwin NX, "
        "Stadol NS, Nubain, Tussionex, Hycodan, Trezix, Paregoric, Tylenol #3, Tylenol No. 3, tylenol-3, "
        "Tylenol w/ codeine, Fioricet with codeine, Fiorinal #3, Ascomp"
    ),
    "cns-depressant-hypnotic": "Ambien CR, Edluar, Lunesta, Sonata, Belsomra, Dayvigo, Quviviq",
    "cns-depressant-barbiturate": (
        "Fioricet, Fiorinal, Esgic, Phrenilin, Luminal, Donnatal, Mysoline, Nembutal"
    ),
    "psychostimulant": (
        "Adderall XR 20, Vyvanse, Concerta, Ritalin LA, Focalin XR, Daytrana, Mydayis, Evekeo, "
        "Dexedrine, Zenzedi, "
        "Desoxyn, Azstarys, Provigil, Nuvigil, Adipex-P 37.5, Qsymia, Sunosi"
    ),
    "mao-inhibitor": (
        "Nardil, Parnate, Marplan, Emsam 6 mg/24 h, Eldepryl, Zelapar, Azilect, Xadago, Zyvox 600, "
        "Urelle, Uribel, "
        "Provayblue"
    ),
    "cyp3a4-strong-inhibitor": (
        "Biaxin XL 500, Prevpac, Paxlovid, Norvir, Kaletra, Evotaz, Reyataz, Stribild, Genvoya, "
        "Prezcobix, Symtuza, "
        "Sporanox, Nizoral, Noxafil, Vfend, Viracept, Korlym, Zykadia, Zydelig, Tukysa"
    ),
    "cyp2b6-inhibitor": "Plavix 75, Ticlid",
    "cyp3a4-strong-inducer": (
        "Tegretol XR 200 mg, Carbatrol, Equetro, Dilantin 100mg caps, Phenytek, Cerebyx, Rifadin, "
        "Rifamate, Xtandi, "
        "Erleada, Lysodren, Orkambi, Tibsovo, Donnatal"
    ),
    "cyp2b6-inducer": "Rifadin, Rimactane, Sustiva, Atripla",
    "thyroid-hormone": "Synthroid, Levoxyl, Tirosint, Euthyrox, Cytomel, Armour Thyroid 60 mg, NP Thyroid",
    "antidepressant": (
        "Zoloft, Prozac, Celexa, Lexapro, Paxil CR, Effexor XR 150mg daily, Cymbalta, Pristiq, Fetzima, "
        "Wellbutrin XL, Remeron, Viibryd, Trintellix, Auvelity, Elavil, Pamelor, Anafranil, Symbyax"
    ),
    "esketamine": "Spravato 56 mg",
    "ketamine": "Ketalar",
}


@pytest.mark.parametrize(
    ("valueset", "text"), [(name, one) for name, told in BRANDS.items() for one in told.split(", ")]
)
def test_a_brand_is_of_the_groups_of_its_ingredients(valueset: str, text: str) -> None:
    drug = TERMINOLOGY.drug([], text)
    assert (drug.resolution, valueset in drug.sets) == ("text", True)


@pytest.mark.parametrize(
    "text",
    [
        "Tylenol",
        "Tylenol 325 mg",
        "Tylenol 3 tabs a day",
        "Lipitor 40",
        "Norvasc 5",
        "Eliquis",
        "Zyrtec 5",
        "Vitamin D 2000 units",
        "fish oil",
    ],
)
def test_the_brand_of_a_drug_in_no_table_is_known_to_be_another(text: str) -> None:
    assert (TERMINOLOGY.drug([], text).resolution, TERMINOLOGY.drug([], text).sets) == ("other", frozenset())


@pytest.mark.parametrize("text", ["St John's wort", "home remedy", "blue pill"])
def test_what_nobody_knows_may_be_any_drug(text: str) -> None:
    assert TERMINOLOGY.drug([], text).resolution == "unresolved"


def test_a_brand_of_several_ingredients_means_each_of_them() -> None:
    told = {text: TERMINOLOGY.drug([], text).name for text in ("Kaletra", "Adderall", "Limbitrol")}
    assert told == {
        "Kaletra": "lopinavir / ritonavir",
        "Adderall": "amphetamine / dextroamphetamine",
        "Limbitrol": "amitriptyline / chlordiazepoxide",
    }


def test_an_ingredient_named_beside_a_product_is_of_its_own_groups() -> None:
    assert TERMINOLOGY.drug([], "Contrave").sets == {"naltrexone"}
    assert TERMINOLOGY.drug([], "Contrave, lorazepam").sets == {"naltrexone", "cns-depressant-benzodiazepine"}
