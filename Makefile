# make demo   install missing packages, build, index a real collection and search it
# make test   install missing packages, build, run all tests
# make test-page   run the tests of the page (in Chromium) and of the API
# make test-sanitized   run the tests under the address and the thread sanitizer
# make bench-peers   compare the encoders and the reranker with PyTorch, ONNX Runtime and OpenVINO
# make bench-index   compare the vector index with faiss, hnswlib and usearch
# make bench-train   compare a training step with PyTorch
# make format / make lint / make bench

SWIFT := swift
CHECKED := --explicit-target-dependency-import-check error
# Tests run optimized, with their assertions: many encode pictures, which takes three times as long otherwise.
TESTED := --scratch-path .build/optimized -Xswiftc -O
BLIP := .build/release/blip
LIBRARIES := libopenblas-dev liblmdb-dev libssl-dev libjpeg-dev libpng-dev libwebp-dev libtiff-dev \
	libgif-dev libheif-dev liblcms2-dev libjxl-dev libopenjp2-7-dev libraw-dev libchafa-dev \
	libgexiv2-dev libstemmer-dev libtesseract-dev tesseract-ocr-eng pkg-config
STAMPS := /usr/share/tuxpaint/stamps
SOURCES := Package.swift Sources Tests docs/Examples Benchmarks/Package.swift Benchmarks/Sources

# The folder of the peers' Python packages and models (4 GB), and further arguments of compare.py.
PEERS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/blip/peers
COMPARE ?= --rounds 5

# The same for the vector index: packages, vectors and indexes (0.7 GB; 8 GB with a million).
VECTORS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/blip/vectors
COUNTS ?= 100000

# The folder of the Python packages that test the page and the API, and of their index.
CLIENTS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/blip/clients

# A captioned set for `blip bench`, and the rerank depths.
CAPTIONED ?= ../shared/data/flickr8k-dev
DEPTHS ?= 0,16,64

.PHONY: demo test test-page test-sanitized format lint bench bench-peers bench-index bench-train release setup \
	stamps clean

demo: release stamps
	$(BLIP) index $(STAMPS) --index indexes/demo --name demo
	@for query in "a butterfly" "a red car" "fruit to eat"; do \
	  printf '\n$$ blip search "%s"\n' "$$query"; \
	  $(BLIP) search "$$query" -k 5 --index indexes/demo || exit 1; done
	@picture=$$(find $(STAMPS)/animals -name '*.png' | sort | head -n 1); \
	  printf '\n$$ blip match %s\n' "$$picture"; \
	  $(BLIP) match "$$picture" -k 5 --index indexes/demo
	@$(BLIP) search "a bird" -k 24 --index indexes/demo --html indexes/demo.html --paths > /dev/null
	@printf '\nThe index is in indexes/demo. A page of results: %s\n' \
	  "$(CURDIR)/indexes/demo.html"

release: setup
	$(SWIFT) build -c release --product blip --static-swift-stdlib $(CHECKED)

test: setup
	Tests/structure.sh
	$(SWIFT) build --build-tests $(TESTED) $(CHECKED)
	$(SWIFT) test --skip-build --disable-xctest $(TESTED) --skip ChoiceOfKernels
	# These tests switch the kernels of the entire process, so they run alone.
	$(SWIFT) test --skip-build --disable-xctest $(TESTED) --no-parallel --filter ChoiceOfKernels

# The tests of the page in Chromium, and of the API by clients of others, on an index of the demo's pictures.
test-page: release stamps
	@$(call install,chromium python3-venv)
	Benchmarks/peers/make-environment "$(CLIENTS)" Tests/clients.txt
	$(BLIP) index $(STAMPS) --index "$(CLIENTS)/index" --name demo
	for tests in Tests/API Tests/Page; do \
	  BLIP_BINARY=$(CURDIR)/$(BLIP) BLIP_INDEX="$(CLIENTS)/index" BLIP_QUERY="a bird" \
	  "$(CLIENTS)/venv/bin/pytest" -q -m "not slow" $$tests || exit 1; done

# The tests under the address and the thread sanitizer, optimized: about an hour and a half on two cores.
test-sanitized: setup
	for kind in address thread; do \
	  export ASAN_OPTIONS=detect_leaks=0; \
	  export TSAN_OPTIONS=suppressions=$(CURDIR)/Tests/thread-sanitizer.suppressions; \
	  $(SWIFT) test --sanitize=$$kind --scratch-path .build/$$kind -Xswiftc -O --disable-xctest \
	    --skip ChoiceOfKernels || exit 1; done

format:
	$(SWIFT) format --in-place --parallel --recursive $(SOURCES)

lint:
	$(SWIFT) format lint --strict --parallel --recursive $(SOURCES)

bench: release stamps
	env -u OPENBLAS_CORETYPE $(SWIFT) run -c release --package-path Benchmarks end-to-end
	env -u OPENBLAS_CORETYPE $(BLIP) bench $(CAPTIONED)/captions.json --images $(CAPTIONED) \
	  --rerank-depths $(DEPTHS) --json Benchmarks/rerank.bench.json

bench-peers: setup
	@$(call install,python3-venv)
	$(SWIFT) build -c release --package-path Benchmarks --product speed
	Benchmarks/peers/make-environment "$(PEERS)" Benchmarks/peers/packages.txt
	"$(PEERS)/venv/bin/python" Benchmarks/peers/prepare.py "$(PEERS)"
	env -u OPENBLAS_CORETYPE "$(PEERS)/venv/bin/python" Benchmarks/peers/compare.py "$(PEERS)" \
	  $(COMPARE)

bench-index: setup
	@$(call install,python3-venv python3-dev g++)
	$(SWIFT) build -c release --package-path Benchmarks --product vectors
	Benchmarks/peers/make-environment "$(VECTORS)" Benchmarks/vectors/packages.txt
	for count in $(COUNTS); do \
	  "$(VECTORS)/venv/bin/python" Benchmarks/vectors/make_vectors.py "$(VECTORS)" $$count && \
	  env -u OPENBLAS_CORETYPE "$(VECTORS)/venv/bin/python" Benchmarks/vectors/compare.py \
	    "$(VECTORS)" --data clustered-$$count $(COMPARE) || exit 1; done

bench-train: setup
	@$(call install,python3-venv)
	$(SWIFT) build -c release --package-path Benchmarks --product training
	Benchmarks/peers/make-environment "$(PEERS)" Benchmarks/peers/packages.txt
	env -u OPENBLAS_CORETYPE "$(PEERS)/venv/bin/python" Benchmarks/training/compare.py "$(PEERS)"

# Installs Debian packages; checks with dpkg first, so that later runs are quick and need no root.
setup:
	@$(call install,$(LIBRARIES))

stamps:
	@$(call install,tuxpaint-stamps-default)

define install
missing=$$(for p in $(1); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' \
  || echo $$p; done); \
if [ -n "$$missing" ]; then echo "Installing" $$missing; \
  sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); export DEBIAN_FRONTEND=noninteractive; \
  $$sudo apt-get update -q && $$sudo apt-get install -y -q --no-install-recommends $$missing; fi
endef

clean:
	rm -rf .build Benchmarks/.build indexes/demo indexes/demo.html
