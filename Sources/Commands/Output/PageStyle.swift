/// The style sheets of the HTML pages.
enum PageStyle {
  /// Rows of pictures of about the same height, each as wide as its shape asks for; light or dark as the
  /// system is. A tile sets `--shape`, its width over its height.
  static let grid = """
    :root {
      --page: #fbfaf8; --well: #efede8; --line: #dedad2; --text: #201f1c; --faint: #716d65;
      --bar: #a39b8b; --accent: #2f6f8f;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --page: #131312; --well: #1f1e1c; --line: #35332f; --text: #ebe9e4; --faint: #9a958b;
        --bar: #7b7569; --accent: #7fb8d4;
      }
    }
    * { box-sizing: border-box; margin: 0; }
    body {
      background: var(--page); color: var(--text); padding: clamp(1.1rem, 3.5vw, 3rem);
      font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
    }
    header { max-width: 60rem; margin-bottom: clamp(1.4rem, 3vw, 2.4rem); }
    h1 {
      font-size: clamp(1.35rem, 2.6vw, 2rem); font-weight: 600; line-height: 1.25;
      letter-spacing: -.012em; overflow-wrap: anywhere;
    }
    header p { color: var(--faint); margin-top: .3rem; overflow-wrap: anywhere; }
    header b { font-weight: 500; color: var(--text); }
    main { display: flex; flex-wrap: wrap; gap: 2rem 1.25rem; }
    /* Keeps the last row from being stretched. */
    main::after { content: ""; flex: 10000 1 0; }
    figure {
      --shape: 1.333; --row: clamp(11rem, 19vw, 17rem);
      flex: calc(var(--shape) * 100) 1 calc(var(--shape) * var(--row));
      min-width: min(10rem, 100%); max-width: max(10rem, calc(var(--shape) * var(--row) * 1.5));
    }
    .picture {
      display: flex; align-items: center; justify-content: center; overflow: hidden;
      aspect-ratio: var(--shape); border-radius: 6px; background: var(--well);
      color: inherit; text-decoration: none; outline: 1px solid transparent; outline-offset: 2px;
      transition: outline-color .15s;
    }
    .picture:hover { outline-color: var(--line); }
    .picture:focus-visible { outline: 2px solid var(--accent); }
    .picture img { display: block; width: 100%; height: 100%; object-fit: contain; }
    .query { display: flex; flex-wrap: wrap; gap: .6rem; margin-bottom: .9rem; }
    .query img {
      display: block; width: auto; height: auto; max-width: 15rem; max-height: 10rem;
      border-radius: 6px;
    }
    .missing { color: var(--faint); font-size: .87rem; padding: 1rem; text-align: center; }
    figcaption { padding-top: .5rem; font-size: .87rem; line-height: 1.4; }
    .path { overflow-wrap: anywhere; }
    .path span { color: var(--faint); }
    .caption { color: var(--faint); overflow-wrap: anywhere; margin-top: .1rem; }
    .scores {
      display: flex; flex-wrap: wrap; align-items: center; gap: 0 .7rem; margin-top: .2rem;
      color: var(--faint); font-size: .8rem; font-variant-numeric: tabular-nums;
    }
    .scores b { font-weight: 500; color: var(--text); }
    .rank { min-width: 1.1em; }
    meter {
      flex: 1 1 3rem; max-width: 9rem; height: 3px; border: 0; border-radius: 2px;
      appearance: none; background: var(--line);
    }
    meter::-webkit-meter-inner-element { display: block; height: 3px; }
    meter::-webkit-meter-bar {
      height: 3px; border: 0; border-radius: 2px; background: var(--line);
    }
    meter::-webkit-meter-optimum-value { border-radius: 2px; background: var(--bar); }
    meter::-moz-meter-bar { border-radius: 2px; background: var(--bar); }
    """
}
