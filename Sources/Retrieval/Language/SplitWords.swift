/// Everyday English words that BERT's vocabulary lacks and WordPiece splits into short pieces, so that they
/// look like words that it does not know: names of things in pictures, and words of picture captions.
/// Inflected forms and compounds are left out where the rules of `EnglishWords` find them.
let splitEnglishWords: StaticString = """
  abacus abaya abseiling acorn acrobat acrobatic adhd affenpinscher agama agaric agility aig aloe
  alp alpaca amish amphibian amphitheater amuseument anemone angora anorak anteater antelope
  antlers apiary appenzeller apricot armadillo artichoke ascends ashcan ashtray asparagus avocado
  avrovulcan awning axolotl azalea baboon bagel bagpipe balck bale bannister barb barbell
  barometer bbq beaded beagle bedlington beetroot begonia beret bib bicyclist bighorn biscuit
  bleachers blenheim blimp bmx boa bobcat bobsled bolete bolo bonsai borzoi bougainvillea bouncy
  bouvier bowtie brabancon briard bridal brimmed brindle broccoli brochure brooch broth budweiser
  buggy bumblebee bungee bunting buzy cairn calculator caldron calico camcorder camo cantaloupe
  cappuccino capri capuchin carnation carves catamaran cattails cauliflower celery chameleon chaps
  cheddar cheetah chiffonier chime chimpanzee chisel chiton chrysanthemum chubby cicada cilantro
  clam cleaver clings clog clumber cob coho collage collide collie colobus conch confectionery
  confetti consomme constrictor coonhound coot corgi corset coucal cougar cowgirl cranberry
  crayfish crayon crevasse crevice crib crocheting crock crocs crocus croissant croquet crutch
  cucumber cuddling cuirass cupcake curvy custard cutout cyan cymbal dachshund daffodil dalmatian
  dalmation dandelion dandie dappled daschund deflated desolate dhole diaper didgeridoo dimples
  dinmont dispenser doberman donut dowitcher drapped dribbles dribbling drooling dugong dunking
  dunks duvet earbuds earphones earpiece echidna edamame eft eggnog eggplant egret elkhound emoji
  emu energizer entangled entlebucher escalator eskimo espresso excavator eyeglasses eyelash
  eyeliner falafel faucet feild ferret figurine flailing flandres flannel foal foggy foxglove
  foxhound freckles frilled frilly frisbee frolic frolicking frolicks galoshes gar garb gargoyle
  garter gasmask gecko geranium gettin geyser gibbon gigolo gila giraffe girder gnawing gnaws
  goblet goggles gondola gosling grapple griffon groenendael grotto grouse guacamole guava guenon
  guillotine gull gyro gyromitra hammock hamper hamster hazmat heifer hibiscus hijab hinge
  hippopotamus hoe hognose hopscotch hotdog huddle hula hummus humping husks hyacinth hyena ibex
  ibizan iceberg icicle icing igloo iguana ikea impala indescript indri inflatable inground isopod
  jacamar janitor jigsaw jinrikisha jog jousting joystick juggler juggles juggling junco kart
  kayak kebab keeshond kelpie ketchup keychain khaki kilt kimono kiosk kiwi koala komodo komondor
  kuvasz ladle lasagna latte leek leggings lemur leotard lettuce lhasa lichen llama loggerhead
  lollipop lolly lotion loupe lycaenid macaque macaroni macaw magnifying magpie mamba mambo
  manhole mantelpiece mantis mardi marmalade marmoset marmot marquee mashed maypole meerkat melon
  meowing merganser midair midget mime mink mitt mitten moccasin mongoose mop motocross mottled
  moustache mowed mower mowing mozzarella muffin munching murky musher mussel nacho nadal narwhal
  nautilus nematode nibbling nipping nips noodle oar oatmeal obelisk ocarina odeon odometer okra
  omelette onlookers opossum orangutan orca origami ornament oscilloscope ostrich outcropping
  ouzel oxcart oxen pacifier padlock paella pail pajama pancake panpipe pansy pantyhose papillon
  parsley patas pecan pekinese pelican penzance peony pergola permed petri petunia pharmacist
  pheasant piggy piggyback piglet pigtails pinata pinwheel piranha pistachio pitbull platypus
  pliers plow pom pomegranate poncho pong poodle pooh poplar porcupine porpoise potpie potties
  pounces pouncing pram prances prancing prawn precariously pretzel primrose proboscis prune
  ptarmigan pug puma punctured purring pylon pyrotechnics quail quesadilla quill raccoon racquet
  radiator radish raisin ramen rappelling rappels raspberry recieving recliner reclines reclining
  redbone redbull refreshment repelling repels rhododendron risotto rivet romp rotisserie
  rottweiler rotweiler rowboat ruffed rummaging rundown salamander salami saluki salvar samoyed
  sari sarong satchel scabbard scallion schipperke schnauzer scooter scrimmage scruffy scuffle
  seagull seahorse seaweed segway sequined sequoia sheltie sheperd shephard shih shoji silo sippy
  skiiers skimpy skunk skydiver skylight skyward sled sledge sleigh smilling smock smu sneezing
  snoring snorkel snuggling soars sombrero somthing sorrel spar spelunkers spigot spiky spool
  spout sprinkler squints squirt stegosaurus stethoscope stoop stork straddles straddling stupa
  sturgeon submerges succulent sulphur sunbathers sundae sundial sundress sunflower sushi swab
  swerves swooping sycamore syringe tabby taco tadpole tambourine tantrum tarp tartan tattered
  teal teapot teepee teeter tench tether thermometer thermos thimble thresher thyme tiara
  tinkerbell tiptoeing titi toboggan toed tofu topless topples tortilla tortoise totem totter
  toucan triceratops tricycle trifle trike trilobite trots trotting trowel tugboat tulip tundra
  turban tusker tussle tutu tuxedo tuxes twig twirling twirls tyrannosaurus tzu ukulele uncut
  unicycle uphill upraised upturned urchin vending veterinarian vizsla vuitton vw waffle walmart
  walrus warthog weevil welder wetsuit whack whisk whist whit wicker wintry wisteria wok wrinkle
  xmas xylophone yak yam yawl yawning yawns yogurt youn yurt zara zigzag zucchini
  """
