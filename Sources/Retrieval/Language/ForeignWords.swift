/// Frequent words of other languages in the Latin script: function words, and words for what pictures
/// show. Without accents and in lower case, as BERT's uncased tokenizer leaves them.
enum ForeignWords {
  /// The language that most of a text's words belong to; nil where the text may be English.
  ///
  /// A word counts in full where no English text would have it. One that English has too ("die", "la" in
  /// a name) only adds to the share, and an English function word that the language lacks decides for
  /// English.
  static func language(of words: [String]) -> String? {
    guard !words.isEmpty else { return nil }
    var best: (language: String, certain: Int, found: Int)?
    for (language, list) in lists {
      let found = words.filter(list.contains)
      let certain = found.count { !alsoEnglish.contains($0) }
      let isEnglish = words.contains { english.contains($0) && !list.contains($0) }
      guard certain > 0, found.count * 2 >= words.count, !isEnglish else { continue }
      if best.map({ (certain, found.count) > ($0.certain, $0.found) }) ?? true {
        best = (language, certain, found.count)
      }
    }
    return best?.language
  }

  private static let english: Set<String> = set(
    """
    the a an of and with at on in is are to from by his her their for its this that while as into over
    near next under behind who wearing holding
    """)

  private static let alsoEnglish: Set<String> = set(
    """
    a an in on am die was man hat kind rot war also but as son sale main pain chat no i me is or to under
    so fat red pet water boom wit not bar arm barn star men et it air cal auto casa strand plaza pies dom
    os do na da em um con sin come fine due boot gift art rose sari ev su fa lo es az ve adam uc plaj pod
    muz plaz se je sort er court rode rod den det som af av de la le el los las du des van san das dos tres
    les en un mit der dem im bei ar vit vid gul bla pa o si cu pe e i y z w s v u sur us all noir rouge
    blanc blanche fille gate tri pred poor tree jump de dan air anak dua put ne dom sea eau vert plage
    mare kun lo ha ma mi of one two three eva ali ana hus tre bil pile oman al il gli uno una no baca
    kuda rumah tua tengan voda mal tan per qui que nina
    """)

  private static func set(_ words: String) -> Set<String> {
    Set(words.split(whereSeparator: \.isWhitespace).map(String.init))
  }

  private static let lists: [(language: String, words: Set<String>)] = [
    (
      "German",
      set(
        """
        ein eine einen einem einer der die das den dem des und mit auf im am an in ist sind vor nach bei
        von zum zur fur uber unter neben zwei drei hund hunde katze katzen mann frau kind kinder junge
        madchen menschen leute auto haus strand baum baume blume blumen vogel pferd wasser berg berge rot
        rote roter rotes roten schwarz schwarze schwarzer weiss weisse blau blaue grun grune gelb alt alte
        spielt spielen lauft laufen rennt sitzt sitzen steht nicht schnee himmel strasse
        """)
    ),
    (
      "French",
      set(
        """
        un une des du le la les et avec sur dans sous devant au aux est sont qui deux trois chien chiens
        chat chats homme femme enfant enfants garcon fille gens personnes voiture maison plage arbre fleur
        fleurs oiseau cheval eau neige rouge noir noire blanc blanche bleu bleue vert verte jaune vieux qui
        court joue jouent assis de en pour pas montagne rue
        """)
    ),
    (
      "Spanish",
      set(
        """
        un una unos unas el la los las y con en sobre del al de es son que dos tres perro perros gato gatos
        hombre mujer nino nina ninos gente coche casa playa arbol flor flores pajaro caballo agua nieve rojo
        roja negro negra blanco blanca azul verde amarillo viejo corriendo jugando por para calle montana
        """)
    ),
    (
      "Italian",
      set(
        """
        un una uno il lo la gli le i e con su sul sulla nel nella di del della dei al alla che due tre cane
        cani gatto gatti uomo donna bambino bambina bambini ragazzo ragazza gente macchina casa spiaggia
        albero fiore fiori uccello cavallo acqua neve rosso rossa nero nera bianco bianca blu verde giallo
        vecchio per sono strada montagna
        """)
    ),
    (
      "Portuguese",
      set(
        """
        um uma o a os as e com em no na nos nas do da dos das de que dois duas tres cao caes cachorro gato
        homem mulher menino menina crianca criancas pessoas carro casa praia arvore flor flores passaro
        cavalo agua neve vermelho vermelha preto preta branco branca azul verde amarelo velho por para rua
        montanha correndo brincando
        """)
    ),
    (
      "Dutch",
      set(
        """
        een het de en met op aan in van voor naar bij onder is zijn die dat twee drie hond honden kat man
        vrouw kind kinderen jongen meisje mensen auto huis strand boom bloem bloemen vogel paard water
        sneeuw rood rode zwart zwarte wit witte blauw blauwe groen groene geel oud oude speelt spelen loopt
        rent zit staat fiets straat
        """)
    ),
    (
      "Polish",
      set(
        """
        na w z ze i do od pod przed przy jest sa dwa dwie dwoch trzy pies psa psy kot kota koty mezczyzna
        kobieta dziecko dzieci chlopiec dziewczyna dziewczynka ludzie samochod dom plaza plazy
        drzewo kwiat ptak kon woda wodzie snieg czerwony czerwona czarny czarna bialy biala niebieski
        zielony zolty stary rower rowerze rowerzysta sie
        """)
    ),
    (
      "Swedish",
      set(
        """
        en ett och med pa i av som den det ar for till vid under tva tre hund hundar katt man kvinna barn
        pojke flicka manniskor bil hus strand trad blomma fagel hast vatten sno rod rott svart vit vitt bla
        gron gul gammal leker springer sitter star
        """)
    ),
    (
      "Danish or Norwegian",
      set(
        """
        en et og med pa i af av som den det er til ved under to tre hund hunde hunder kat katt mand mann
        kvinde kvinne barn born dreng gutt pige jente bil hus strand trae tre blomst fugl hest vand vann
        sne rod sort svart hvid hvit bla gron gul gammel leger leker lober
        """)
    ),
    (
      "Czech",
      set(
        """
        a na v se s ze do od pod pred je jsou dva dve tri pes psa kocka muz zena dite deti chlapec divka
        lide auto dum plaz plazi strom kvetina ptak kun voda vode snih cerveny cervena cerny cerna bily
        bila modry zeleny zluty stary kolo kole
        """)
    ),
    (
      "Turkish",
      set(
        """
        bir ve ile icin uzerinde altinda olan iki uc kopek kedi adam kadin cocuk cocuklar kiz
        insanlar araba ev plaj plajda sahilde agac cicek kus su kar kirmizi siyah beyaz mavi yesil
        sari yasli oynayan kosan
        """)
    ),
    (
      "Finnish",
      set(
        """
        ja on kaksi kolme koira koirat kissa mies nainen lapsi lapset poika tytto ihmiset auto talo ranta
        rannalla puu kukka lintu hevonen vesi vedessa lumi punainen musta valkoinen sininen vihrea keltainen
        vanha joka
        """)
    ),
    (
      "Hungarian",
      set(
        """
        egy es a az van ket harom kutya macska ferfi no gyerek gyerekek fiu lany emberek auto haz
        tengerparton fa virag madar lo viz ho piros fekete feher kek zold sarga oreg
        """)
    ),
    (
      "Romanian",
      set(
        """
        un o si cu pe in la din de este sunt doi doua trei caine caini pisica barbat femeie copil copii
        baiat fata oameni masina casa plaja copac floare pasare cal apa zapada rosu rosie negru neagra alb
        alba albastru verde galben
        """)
    ),
    (
      "Indonesian or Malay",
      set(
        """
        dan di dengan yang seekor seorang sebuah dua tiga anjing kucing pria wanita anak orang mobil rumah
        pantai pohon bunga burung kuda air salju merah hitam putih biru hijau kuning tua bermain berlari
        """)
    ),
  ]
}
